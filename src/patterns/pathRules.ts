import { start, type Progress } from './glob.ts';
import type { ComponentRule, CrossingRule, Rules } from './rules.ts';

/** A component pattern whose first `depth` components have matched the path of the directory; more are to come. */
interface Waiting {
  readonly rule: ComponentRule;
  readonly depth: number;
}

interface Crossing {
  readonly rule: CrossingRule;
  readonly progress: Progress;
}

const none = -1;
const noWaiting: readonly Waiting[] = [];

/**
 * All path patterns, seen from inside one directory: those that matched it (or a directory above it) match everything in
 * it and are just remembered by the highest index; those that can match nothing in it are gone; the rest waits for the next
 * component. Patterns that wait for a fixed name are found by that name, so that long lists of fixed paths cost nothing
 * where they do not apply.
 */
export class PathRules {
  /** Highest index of a pattern that matches everything in here, or -1, and what it says. */
  private readonly decided: number;
  private readonly decision: boolean;
  private readonly named = new Map<string, Waiting[]>();
  private readonly wild: Waiting[] = [];
  private readonly crossing: readonly Crossing[];
  /** Name of the directory with a slash behind it; empty above the root. */
  private readonly path: string;
  /** No pattern waits: the decision holds for everything in here and below. */
  readonly isDecided: boolean;

  private constructor(
    path: string,
    decided: number,
    decision: boolean,
    waiting: readonly Waiting[],
    crossing: Crossing[],
  ) {
    this.path = path;
    this.decided = decided;
    this.decision = decision;
    this.crossing = crossing;
    for (const one of waiting) {
      const name = (one.rule.components[one.depth] as ComponentRule['components'][number]).literal;
      if (name === undefined) this.wild.push(one);
      else if (this.named.has(name)) this.named.get(name)?.push(one);
      else this.named.set(name, [one]);
    }
    this.isDecided = this.named.size === 0 && this.wild.length === 0 && crossing.length === 0;
  }

  /** Above the root: the first component of a name is empty or `%prefix%`. */
  static top(rules: Rules): PathRules {
    const crossing = rules.crossing.map((rule) => ({ rule, progress: start }));
    const waiting = rules.component.map((rule) => ({ rule, depth: 0 }));
    return new PathRules('', none, false, waiting, crossing);
  }

  /** Nothing in here or below is included. */
  get isBarren(): boolean {
    return this.isDecided && !this.decision;
  }

  includes(base: string): boolean {
    if (this.isDecided) return this.decision;
    let highest = this.decided;
    let decision = this.decision;
    for (const one of this.named.get(base) ?? noWaiting) {
      if (one.rule.index > highest && isLast(one)) ({ index: highest, includes: decision } = one.rule);
    }
    for (const one of this.wild) {
      if (one.rule.index > highest && isLast(one) && matches(one, base))
        ({ index: highest, includes: decision } = one.rule);
    }
    for (const { rule, progress } of this.crossing) {
      if (rule.index > highest && rule.glob.finish(progress, base)) ({ index: highest, includes: decision } = rule);
    }
    return decision;
  }

  /** Is this directory a leading part of an included pattern that counts? */
  leadsOn(base: string): boolean {
    const leads = (one: Waiting): boolean => one.rule.includes && !isLast(one);
    if ((this.named.get(base) ?? noWaiting).some(leads)) return true;
    if (this.wild.some((one) => leads(one) && matches(one, base))) return true;
    const name = this.path + base;
    return this.crossing.some(({ rule }) => rule.leadingParts.some((part) => part.matches(name)));
  }

  enter(base: string): PathRules {
    let { decided, decision } = this;
    const waiting: Waiting[] = [];
    const crossing: Crossing[] = [];
    const decide = (rule: { index: number; includes: boolean }): void => {
      if (rule.index <= decided) return;
      decided = rule.index;
      decision = rule.includes;
    };
    const matching = [...(this.named.get(base) ?? noWaiting), ...this.wild.filter((one) => matches(one, base))];
    for (const one of matching) {
      if (isLast(one)) decide(one.rule);
      else waiting.push({ rule: one.rule, depth: one.depth + 1 });
    }
    for (const { rule, progress } of this.crossing) {
      const next = rule.glob.advance(progress, base + '/');
      if (next === 'always') decide(rule);
      else if (next !== 'never') crossing.push({ rule, progress: next });
    }
    const counts = (one: { rule: { index: number } }): boolean => one.rule.index > decided;
    return new PathRules(this.path + base + '/', decided, decision, waiting.filter(counts), crossing.filter(counts));
  }
}

function isLast({ rule, depth }: Waiting): boolean {
  return depth === rule.components.length - 1;
}

function matches({ rule, depth }: Waiting, base: string): boolean {
  return (rule.components[depth] as ComponentRule['components'][number]).matches(base);
}
