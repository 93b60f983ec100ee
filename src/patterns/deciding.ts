import { fnmatch } from './fnmatch.ts';
import { isPathPattern, type Pattern, withoutTrailingSlashes } from './rules.ts';

/** Of each kind the pattern that decides about a name: the last one that matches, undefined when none does. */
export interface Deciding {
  readonly path: Pattern | undefined;
  readonly baseName: Pattern | undefined;
}

/** Why a PatternSet of these patterns covers a name or does not, for people. Slow: it is asked for one name at a time. */
export function decidingPatterns(patterns: readonly Pattern[], name: string): Deciding {
  const base = name.slice(name.lastIndexOf('/') + 1);
  let path: Pattern | undefined;
  let baseName: Pattern | undefined;
  for (const pattern of patterns) {
    if (pattern.kind === 'compare') continue;
    const text = withoutTrailingSlashes(pattern.text);
    if (!isPathPattern(text)) {
      if (fnmatch(text, base, {})) baseName = pattern;
    } else if (fnmatch(text, name, { pathname: !text.includes('**'), leadingDir: true })) path = pattern;
  }
  return { path, baseName };
}
