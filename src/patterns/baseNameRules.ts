import type { Glob } from './glob.ts';
import type { Rule, Rules } from './rules.ts';

/** The base-name patterns: the last one that matches decides; a name that none matches is included. */
export class BaseNameRules {
  private readonly literals = new Map<string, Rule>();
  /** Latest first. */
  private readonly wild: readonly (Rule & { readonly glob: Glob })[];
  /** Every name is included. */
  readonly isEmpty: boolean;

  constructor(rules: Rules['baseName']) {
    for (const rule of rules) if (rule.glob.literal !== undefined) this.literals.set(rule.glob.literal, rule);
    this.wild = rules.filter((rule) => rule.glob.literal === undefined).reverse();
    this.isEmpty = rules.length === 0;
  }

  includes(base: string): boolean {
    if (this.isEmpty) return true;
    const literal = this.literals.get(base);
    for (const rule of this.wild) {
      if (literal !== undefined && literal.index > rule.index) break;
      if (rule.glob.matches(base)) return rule.includes;
    }
    return literal === undefined || literal.includes;
  }
}
