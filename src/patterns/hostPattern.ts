import { createRequire } from 'node:module';
import type picomatch from 'picomatch';
import { fnmatch } from './fnmatch.ts';

/** Does a host name (lower-cased) match? */
export type HostMatcher = (host: string) => boolean;

/**
 * A pattern for host names (`nossl`, `prefix … on`), with the answers of fnmatch(3).
 *
 * picomatch answers those that are made of letters, digits, `.`, `-`, `_`, `*` and `?`: there its answers are the same, but
 * for the names `.` and `..`, which no host has. Everything else goes to our own matcher, also patterns with many stars,
 * over which a backtracking matcher would take its time. picomatch takes 2 ms to load; most configurations have no use for
 * it (`*` and plain names need no matcher), so that is done with the first pattern that has.
 */
export function compileHostPattern(pattern: string): HostMatcher {
  if (pattern === '*') return () => true;
  if (isPlain.test(pattern)) return (host) => host === pattern;
  if (!isSimple(pattern)) return (host) => fnmatch(pattern, host);
  const matches = loadPicomatch()(pattern, picomatchOptions);
  return (host) => (isHostName.test(host) ? matches(host) : fnmatch(pattern, host));
}

const isPlain = /^[A-Za-z0-9._-]+$/;
const isHostName = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/;

const mostStars = 3;

/** Two stars next to each other mean something else to picomatch. */
function isSimple(pattern: string): boolean {
  return /^[A-Za-z0-9._*?-]+$/.test(pattern) && !pattern.includes('**') && pattern.split('*').length <= mostStars + 1;
}

const picomatchOptions = { dot: true, nobrace: true, noextglob: true, nonegate: true, noglobstar: true, bash: true };

let loaded: typeof picomatch | undefined;

function loadPicomatch(): typeof picomatch {
  loaded ??= createRequire(import.meta.url)('picomatch') as typeof picomatch;
  return loaded;
}
