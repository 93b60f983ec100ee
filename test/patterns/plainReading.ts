import { fnmatch } from '../../src/patterns/fnmatch.ts';
import type { Pattern } from '../../src/patterns/rules.ts';

/** The rules of the configuration, taken literally: every pattern is tried with the whole name. */
export function plainCovers(patterns: readonly Pattern[], name: string, compareMode: boolean): boolean {
  const base = name.slice(name.lastIndexOf('/') + 1);
  let path = false;
  let baseName = true;
  for (const { kind, text } of counting(patterns, compareMode)) {
    if (!isPath(text)) {
      if (fnmatch(text, base)) baseName = kind !== 'exclude';
    } else if (fnmatch(text, name, { pathname: !text.includes('**'), leadingDir: true })) {
      path = kind !== 'exclude';
    }
  }
  return path && baseName;
}

/** Covered, or a leading part of an included path pattern: the pattern, cut off at one of its slashes, matches all of it. */
export function plainMayContain(patterns: readonly Pattern[], directory: string, compareMode: boolean): boolean {
  if (directory === '/' || plainCovers(patterns, directory, compareMode)) return true;
  return counting(patterns, compareMode).some(({ kind, text }) => {
    if (kind === 'exclude' || !isPath(text)) return false;
    for (let cut = text.lastIndexOf('/'); cut >= 0; cut = text.lastIndexOf('/', cut - 1)) {
      if (fnmatch(text.slice(0, cut), directory, { pathname: !text.includes('**') })) return true;
      if (cut === 0) break;
    }
    return false;
  });
}

function counting(patterns: readonly Pattern[], compareMode: boolean): Pattern[] {
  return patterns
    .filter(({ kind }) => compareMode || kind !== 'compare')
    .map(({ kind, text }) => ({ kind, text: text.replace(/\/+$/, '') }));
}

function isPath(text: string): boolean {
  return text.startsWith('/') || text.startsWith('%');
}
