import type { Encoded, FileName } from '../bytes/bytes.ts';
import { decode } from '../bytes/urlEncoding.ts';
import type { DirectoryMatcher, PatternSet } from '../patterns/patternSet.ts';
import type { Coverage, DirectoryCoverage } from './cluster.ts';

/** What any of these pattern sets covers. */
export function coverageOf(sets: readonly PatternSet[], compareMode: boolean): Coverage {
  return {
    enter: (dir) => inDirectory(sets.map((set) => set.enter(dir, compareMode))),
    covers: (name) => sets.some((set) => set.covers(name, compareMode)),
    mayContain: (dir: FileName) => sets.some((set) => set.mayContain(dir, compareMode)),
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

/** The matcher of the only group that has a say here needs no wrapping. */
function inDirectory(matchers: readonly DirectoryMatcher[]): DirectoryCoverage {
  const alive = matchers.filter((matcher) => !matcher.isBarren);
  const [only] = alive;
  if (only === undefined) return nothing;
  return alive.length === 1 ? only : new AnyOf(alive);
}

class AnyOf implements DirectoryCoverage {
  private readonly matchers: readonly DirectoryMatcher[];

  constructor(matchers: readonly DirectoryMatcher[]) {
    this.matchers = matchers;
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

const nothing: DirectoryCoverage = { covers: () => false, mayContain: () => false, enter: () => nothing };
