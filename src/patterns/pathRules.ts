import { start, type Glob, type Progress } from './glob.ts';
import type { ComponentRule, CrossingRule, Rule, Rules } from './rules.ts';

/** A component pattern whose first `depth` components have matched the path of the directory; more are to come. */
interface Waiting {
  readonly rule: ComponentRule;
  readonly depth: number;
}

interface Crossing {
  readonly rule: CrossingRule;
  readonly progress: Progress;
}

/** A leading part of a crossing pattern. `always`: every directory in here and below matches it. */
interface Lead {
  readonly rule: CrossingRule;
  readonly part: Glob;
  readonly progress: Progress | 'always';
}

/** What is known on entering a directory. */
interface State {
  /** Highest index of a pattern that matches everything in here, or -1, and what it says. */
  decided: number;
  decision: boolean;
  waiting: readonly Waiting[];
  crossing: readonly Crossing[];
  leads: readonly Lead[];
}

const noWaiting: readonly Waiting[] = [];

/**
 * All path patterns, seen from inside one directory: those that matched it (or a directory above it) match everything in
 * it and are just remembered by the highest index; those that can match nothing in it are gone; the rest waits for the next
 * component. Patterns that wait for a fixed name are found by that name, so that long lists of fixed paths cost nothing
 * where they do not apply.
 */
export class PathRules {
  private readonly state: State;
  private readonly named = new Map<string, Waiting[]>();
  private readonly wild: Waiting[] = [];
  /** No pattern waits: the decision holds for everything in here and below. */
  private readonly isDecided: boolean;
  /** Directories below need no rules of their own. */
  readonly isSettled: boolean;

  private constructor(state: State) {
    this.state = state;
    for (const one of state.waiting) {
      const name = nextComponent(one).literal;
      if (name === undefined) this.wild.push(one);
      else if (this.named.has(name)) this.named.get(name)?.push(one);
      else this.named.set(name, [one]);
    }
    this.isDecided = state.waiting.length === 0 && state.crossing.length === 0;
    this.isSettled = this.isDecided && state.leads.every(({ progress }) => progress === 'always');
  }

  /** Above the root: the first component of a name is empty or `%prefix%`. */
  static top(rules: Rules): PathRules {
    return new PathRules({
      decided: -1,
      decision: false,
      waiting: rules.component.map((rule) => ({ rule, depth: 0 })),
      crossing: rules.crossing.map((rule) => ({ rule, progress: start })),
      leads: rules.crossing.flatMap((rule) => rule.leadingParts.map((part) => ({ rule, part, progress: start }))),
    });
  }

  /** Nothing in here or below is included. */
  get isBarren(): boolean {
    return this.isDecided && !this.state.decision;
  }

  /** Everything in here and below is included. */
  get isWhole(): boolean {
    return this.isDecided && this.state.decision;
  }

  includes(base: string): boolean {
    let { decision, decided: highest } = this.state;
    if (this.isDecided) return decision;
    for (const one of this.named.get(base) ?? noWaiting) {
      if (one.rule.index > highest && isLast(one)) ({ index: highest, includes: decision } = one.rule);
    }
    for (const one of this.wild) {
      if (one.rule.index > highest && isLast(one) && matches(one, base))
        ({ index: highest, includes: decision } = one.rule);
    }
    for (const { rule, progress } of this.state.crossing) {
      if (rule.index > highest && rule.glob.finish(progress, base)) ({ index: highest, includes: decision } = rule);
    }
    return decision;
  }

  /** Is this directory a leading part of an included pattern that counts? */
  leadsOn(base: string): boolean {
    const leads = (one: Waiting): boolean => one.rule.includes && !isLast(one);
    if ((this.named.get(base) ?? noWaiting).some(leads)) return true;
    if (this.wild.some((one) => leads(one) && matches(one, base))) return true;
    return this.state.leads.some(({ part, progress }) => progress === 'always' || part.finish(progress, base));
  }

  enter(base: string): PathRules {
    const { crossing, leads } = this.state;
    const next = { ...this.state, waiting: [] as Waiting[], crossing: [] as Crossing[], leads: [] as Lead[] };
    for (const one of [...(this.named.get(base) ?? noWaiting), ...this.wild.filter((wild) => matches(wild, base))]) {
      if (isLast(one)) decide(next, one.rule);
      else next.waiting.push({ rule: one.rule, depth: one.depth + 1 });
    }
    for (const { rule, progress } of crossing) {
      const advanced = rule.glob.advance(progress, base + '/', true);
      if (advanced === 'always') decide(next, rule);
      else if (advanced !== 'never') next.crossing.push({ rule, progress: advanced });
    }
    for (const lead of leads) {
      const advanced = lead.progress === 'always' ? 'always' : lead.part.advance(lead.progress, base + '/', false);
      if (advanced !== 'never') next.leads.push({ ...lead, progress: advanced });
    }
    // An include that a later rule has overtaken can still lead on, into a directory whose base name is excluded, as long
    // as what is below can be included: it is now, or a rule that is still open can turn it.
    const isOpen = ({ rule }: { rule: Rule }): boolean => rule.index > next.decided;
    const canInclude =
      next.decision ||
      next.waiting.some((one) => isOpen(one) && one.rule.includes) ||
      next.crossing.some((one) => isOpen(one) && one.rule.includes);
    const counts = (one: { rule: Rule }): boolean => isOpen(one) || (canInclude && one.rule.includes);
    return new PathRules({
      ...next,
      waiting: next.waiting.filter(counts),
      crossing: next.crossing.filter(counts),
      leads: next.leads.filter(counts),
    });
  }
}

function decide(state: State, rule: Rule): void {
  if (rule.index <= state.decided) return;
  state.decided = rule.index;
  state.decision = rule.includes;
}

function isLast({ rule, depth }: Waiting): boolean {
  return depth === rule.components.length - 1;
}

function nextComponent({ rule, depth }: Waiting): Glob {
  return rule.components[depth] as Glob;
}

function matches(one: Waiting, base: string): boolean {
  return nextComponent(one).matches(base);
}
