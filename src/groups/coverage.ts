import type { Encoded, FileName } from '../bytes/bytes.ts';
import { decode } from '../bytes/urlEncoding.ts';
import { type DirectoryMatcher, PatternSet } from '../patterns/patternSet.ts';
import type { Pattern } from '../patterns/rules.ts';
import type { Coverage, DirectoryCoverage } from './cluster.ts';

/** What a coverage is made of, as data that another thread can be given. */
export interface CoverageSource {
  /** A list for each group. */
  readonly patterns: readonly (readonly Pattern[])[];
  /** See `except`. */
  readonly excepted: readonly FileName[];
}

export function coverageFrom({ patterns, excepted }: CoverageSource): Coverage {
  return except(
    coverageOf(
      patterns.map((list) => PatternSet.compile(list)),
      false,
    ),
    excepted,
  );
}

/** What any of these pattern sets covers. */
export function coverageOf(sets: readonly PatternSet[], compareMode: boolean): Coverage {
  return {
    enter: (dir) => inDirectory(sets.map((set) => set.enter(dir, compareMode))),
    covers: (name) => sets.some((set) => set.covers(name, compareMode)),
    mayContain: (dir: FileName) => sets.some((set) => set.mayContain(dir, compareMode)),
  };
}

/** The same without these names and all that is below them. */
export function except(coverage: Coverage, names: readonly FileName[]): Coverage {
  if (names.length === 0) return coverage;
  const isExcepted = (name: FileName): boolean => names.some((one) => name === one || name.startsWith(one + '/'));
  return {
    enter: (dir) => (isExcepted(dir) ? nothing : withoutRests(coverage.enter(dir), restsBelow(names, dir))),
    covers: (name) => !isExcepted(name) && coverage.covers(name),
    mayContain: (dir) => !isExcepted(dir) && coverage.mayContain(dir),
  };
}

/** What is left of the paths that are below a directory. */
function restsBelow(paths: readonly string[], dir: string): string[] {
  const start = dir === '/' ? '/' : dir + '/';
  return paths.flatMap((path) => (path.startsWith(start) ? [path.slice(start.length)] : []));
}

/** `rests`: paths, relative to the directory, of what is not covered. */
function withoutRests(inside: DirectoryCoverage, rests: readonly string[]): DirectoryCoverage {
  if (rests.length === 0) return inside;
  return {
    isWhole: false,
    covers: (base) => !rests.includes(base) && inside.covers(base),
    mayContain: (base) => !rests.includes(base) && inside.mayContain(base),
    enter: (base) => (rests.includes(base) ? nothing : withoutRests(inside.enter(base), restsBelow(rests, base))),
  };
}

/**
 * Asks a coverage about encoded names as they stand in rows. Names that come in runs of one directory, as ordered rows do,
 * cost little: the directory is looked up once.
 */
export function rowFilter(coverage: Coverage): (name: Encoded) => boolean {
  let directory = '';
  let inside: DirectoryCoverage = nothing;
  return (name) => {
    const base = name.lastIndexOf('/') + 1;
    if (base === 0 || base === name.length) return coverage.covers(decode(name) as FileName);
    if (base !== directory.length || !name.startsWith(directory)) {
      directory = name.slice(0, base);
      inside = coverage.enter((base === 1 ? '/' : decode(name.slice(0, base - 1))) as FileName);
    }
    return inside.covers(decode(name.slice(base)));
  };
}

/**
 * Keeps of file rows as one text (`checktxt TAB name NEWLINE` each, ordered by name) those that are covered. The rows of a
 * directory that is covered as a whole are not looked at one by one.
 */
export function lineFilter(coverage: Coverage): (lines: string) => string {
  const isCovered = rowFilter(coverage);
  const keep = (lines: string): string => {
    const directory = commonDirectory(nameBefore(lines, lines.indexOf('\n')), nameBefore(lines, lines.length - 1));
    if (directory !== '' && coverage.enter(decode(directory) as FileName).isWhole) return lines;
    const middle = lines.indexOf('\n', lines.length >> 1) + 1;
    if (lines.length <= fewLines || middle === lines.length) return keepOneByOne(lines, isCovered);
    return keep(lines.slice(0, middle)) + keep(lines.slice(middle));
  };
  return (lines) => (lines === '' ? '' : keep(lines));
}

/** Bytes of some two dozen rows. */
const fewLines = 4096;

function keepOneByOne(lines: string, isCovered: (name: Encoded) => boolean): string {
  let kept = '';
  let from = 0;
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf('\n', start);
    if (!isCovered(nameBefore(lines, end))) {
      kept += lines.slice(from, start);
      from = end + 1;
    }
    start = end + 1;
  }
  return from === 0 ? lines : kept + lines.slice(from);
}

/** The name that ends at `end`. */
function nameBefore(lines: string, end: number): Encoded {
  return lines.slice(lines.lastIndexOf('\t', end) + 1, end) as Encoded;
}

/** The directory that two names are in, at whatever depth, and all that are ordered between them; empty: none. */
function commonDirectory(a: string, b: string): string {
  for (let cut = a.lastIndexOf('/'); cut >= 0; cut = cut === 0 ? -1 : a.lastIndexOf('/', cut - 1)) {
    if (b.startsWith(a.slice(0, cut + 1))) return cut === 0 ? '/' : a.slice(0, cut);
  }
  return '';
}

/** The matcher of the only group that has a say here needs no wrapping. */
function inDirectory(matchers: readonly DirectoryMatcher[]): DirectoryCoverage {
  const alive = matchers.filter((matcher) => !matcher.isBarren);
  const [only] = alive;
  if (only === undefined) return nothing;
  return alive.length === 1 ? only : new AnyOf(alive);
}

class AnyOf implements DirectoryCoverage {
  private readonly matchers: readonly DirectoryMatcher[];
  readonly isWhole: boolean;

  constructor(matchers: readonly DirectoryMatcher[]) {
    this.matchers = matchers;
    this.isWhole = matchers.some((matcher) => matcher.isWhole);
  }

  covers(base: string): boolean {
    for (const matcher of this.matchers) if (matcher.covers(base)) return true;
    return false;
  }

  mayContain(base: string): boolean {
    for (const matcher of this.matchers) if (matcher.mayContain(base)) return true;
    return false;
  }

  enter(base: string): DirectoryCoverage {
    return inDirectory(this.matchers.map((matcher) => matcher.enter(base)));
  }
}

const nothing: DirectoryCoverage = {
  isWhole: false,
  covers: () => false,
  mayContain: () => false,
  enter: () => nothing,
};
