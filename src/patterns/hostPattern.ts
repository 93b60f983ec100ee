import { fnmatch } from './fnmatch.ts';

/** Does a host name (lower-cased) match? */
export type HostMatcher = (host: string) => boolean;

/**
 * Patterns for host names (`nossl`, `prefix … on`), with the answers of fnmatch(3).
 *
 * picomatch answers those that are made of letters, digits, `.`, `-`, `_`, `*` and `?`: there its answers are the same, but
 * for the names `.` and `..`, which no host has. Everything else goes to our own matcher, and so do the patterns that need
 * none at all, so that picomatch (2 ms to load) is loaded only for a configuration that has use for it.
 */
export async function compileHostPatterns(patterns: readonly string[]): Promise<HostMatcher[]> {
  const picomatch = patterns.some(needsPicomatch) ? (await import('picomatch')).default : undefined;
  return patterns.map((pattern) => {
    if (pattern === '*') return () => true;
    if (isPlain.test(pattern)) return (host) => host === pattern;
    if (picomatch === undefined || !needsPicomatch(pattern)) return (host) => fnmatch(pattern, host);
    const matches = picomatch(pattern, picomatchOptions);
    return (host) => (isHostName.test(host) ? matches(host) : fnmatch(pattern, host));
  });
}

const isPlain = /^[A-Za-z0-9._-]+$/;
const isHostName = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/;

/** Two stars next to each other are left out: they are picomatch's business only where there are slashes. */
const forPicomatch = /^[A-Za-z0-9._*?-]+$/;

/** A backtracking matcher takes its time over many stars; ours does not. */
const mostStars = 3;

const picomatchOptions = { dot: true, nobrace: true, noextglob: true, nonegate: true, noglobstar: true, bash: true };

function needsPicomatch(pattern: string): boolean {
  if (pattern === '*' || isPlain.test(pattern) || !forPicomatch.test(pattern)) return false;
  return !pattern.includes('**') && pattern.split('*').length <= mostStars + 1;
}
