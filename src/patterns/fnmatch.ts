import { compile, type Glob } from './glob.ts';

export interface FnmatchFlags {
  /** FNM_PATHNAME: no wildcard matches a slash. */
  readonly pathname?: boolean;
  /** FNM_LEADING_DIR: it is enough to match what comes before one of the slashes. */
  readonly leadingDir?: boolean;
}

/**
 * fnmatch(3) as the C program calls it: glibc, C locale (it never calls setlocale, so characters are bytes), with these two
 * flags or none. True when `text` matches.
 *
 * Its cost is bounded by the product of the two lengths. picomatch is not used here: it speaks another dialect (braces,
 * extglobs, special leading dots) that cannot be switched off without remains. See hostPattern.ts for where it is.
 */
export function fnmatch(pattern: string, text: string, flags: FnmatchFlags = {}): boolean {
  return compiled(pattern, flags.pathname === true)(text, flags.leadingDir === true);
}

type Matcher = (text: string, leadingDir: boolean) => boolean;

const remembered = new Map<string, Matcher>();
const mostRemembered = 1000;

function compiled(pattern: string, pathname: boolean): Matcher {
  const key = (pathname ? '/' : ' ') + pattern;
  let matcher = remembered.get(key);
  if (matcher === undefined) {
    if (remembered.size >= mostRemembered) remembered.clear();
    const readings = compile(pattern, pathname);
    const matches = pathname ? matchesComponents : matchesWhole;
    matcher = (text, leadingDir) => readings.some((reading) => matches(reading, text, leadingDir));
    remembered.set(key, matcher);
  }
  return matcher;
}

function matchesWhole(globs: readonly Glob[], text: string, leadingDir: boolean): boolean {
  const glob = globs[0] as Glob;
  return leadingDir ? glob.matchesLeadingDirectory(text) : glob.matches(text);
}

function matchesComponents(globs: readonly Glob[], text: string, leadingDir: boolean): boolean {
  const components = text.split('/');
  if (leadingDir ? components.length < globs.length : components.length !== globs.length) return false;
  return globs.every((glob, index) => glob.matches(components[index] as string));
}
