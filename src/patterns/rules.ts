import { compile, type Glob } from './glob.ts';

/** `include`, `exclude` or `compare` and the pattern as it stands in the configuration. */
export interface Pattern {
  readonly kind: 'include' | 'exclude' | 'compare';
  readonly text: string;
}

/** A base-name or path pattern, compiled. `index` is its place in the list: the highest that matches decides. */
export interface Rule {
  readonly index: number;
  readonly includes: boolean;
}

/** Each piece matches one component; as in FNM_PATHNAME. */
export interface ComponentRule extends Rule {
  readonly components: readonly Glob[];
}

/** A pattern with `**` in it: every star crosses slashes. */
export interface CrossingRule extends Rule {
  readonly glob: Glob;
  /** The pattern cut off before each of its slashes: directories that match one are entered. Only for includes. */
  readonly leadingParts: readonly Glob[];
}

export interface Rules {
  readonly baseName: readonly (Rule & { readonly glob: Glob })[];
  readonly component: readonly ComponentRule[];
  readonly crossing: readonly CrossingRule[];
}

/** Slashes at the end of a pattern do not count. */
export function withoutTrailingSlashes(pattern: string): string {
  return pattern.replace(/\/+$/, '');
}

export function isPathPattern(pattern: string): boolean {
  return pattern.startsWith('/') || pattern.startsWith('%');
}

/** In compare mode `compare` patterns are includes, else they are nothing. */
export function compileRules(patterns: readonly Pattern[], compareMode: boolean): Rules {
  const rules = {
    baseName: [] as Rules['baseName'][number][],
    component: [] as ComponentRule[],
    crossing: [] as CrossingRule[],
  };
  patterns.forEach(({ kind, text: written }, index) => {
    if (kind === 'compare' && !compareMode) return;
    const text = withoutTrailingSlashes(written);
    const includes = kind !== 'exclude';
    if (!isPathPattern(text)) {
      for (const glob of wholes(text)) rules.baseName.push({ index, includes, glob });
    } else if (text.includes('**')) {
      const leadingParts = includes ? cuts(text).flatMap(wholes) : [];
      for (const glob of wholes(text)) rules.crossing.push({ index, includes, glob, leadingParts });
    } else {
      for (const components of compile(text, true)) rules.component.push({ index, includes, components });
    }
  });
  return rules;
}

function wholes(pattern: string): Glob[] {
  return compile(pattern, false).map((globs) => globs[0] as Glob);
}

function cuts(pattern: string): string[] {
  const parts = pattern.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
