import type { FileName } from '../bytes/bytes.ts';
import { BaseNameRules } from './baseNameRules.ts';
import { PathRules } from './pathRules.ts';
import { compileRules, type Pattern } from './rules.ts';

/**
 * The patterns of one group. Path patterns (they start with `/` or `%prefix%`) are matched with the whole name as the
 * configuration writes it, that is decoded and with `%prefix%`, others with the last component. Of each kind the last
 * pattern that matches decides; no path pattern: excluded; no base-name pattern: included. A name is covered when both
 * include it.
 */
export class PatternSet {
  /** What it was compiled from. */
  readonly source: readonly Pattern[];
  private readonly normal: Matchers;
  private readonly comparing: Matchers;

  private constructor(source: readonly Pattern[], normal: Matchers, comparing: Matchers) {
    this.source = source;
    this.normal = normal;
    this.comparing = comparing;
  }

  static compile(patterns: readonly Pattern[]): PatternSet {
    const normal = new Matchers(patterns, false);
    const differs = patterns.some(({ kind }) => kind === 'compare');
    return new PatternSet(patterns, normal, differs ? new Matchers(patterns, true) : normal);
  }

  covers(name: FileName, compareMode = false): boolean {
    return this.matchers(compareMode).covers(name);
  }

  /**
   * Does recursion go into this directory? Yes when it is covered, or is a leading part of an included path pattern (unless
   * a later pattern excludes all there is below). The root always is.
   */
  mayContain(dir: FileName, compareMode = false): boolean {
    return this.matchers(compareMode).mayContain(dir);
  }

  /** For what is directly in `dir`. */
  enter(dir: FileName, compareMode = false): DirectoryMatcher {
    return this.matchers(compareMode).enter(dir);
  }

  private matchers(compareMode: boolean): Matchers {
    return compareMode ? this.comparing : this.normal;
  }
}

/** `covers` and `mayContain` for names directly in one directory; `base` is their last component. */
export class DirectoryMatcher {
  private readonly paths: PathRules;
  private readonly bases: BaseNameRules;

  constructor(paths: PathRules, bases: BaseNameRules) {
    this.paths = paths;
    this.bases = bases;
  }

  /** Nothing in here or below is covered. */
  get isBarren(): boolean {
    return this.paths.isBarren;
  }

  /** Everything in here and below is covered. */
  get isWhole(): boolean {
    return this.paths.isWhole && this.bases.isEmpty;
  }

  covers(base: string): boolean {
    return this.paths.includes(base) && this.bases.includes(base);
  }

  mayContain(base: string): boolean {
    return this.covers(base) || this.paths.leadsOn(base);
  }

  enter(base: string): DirectoryMatcher {
    return this.paths.isSettled ? this : new DirectoryMatcher(this.paths.enter(base), this.bases);
  }
}

class Matchers {
  /**
   * The directories down to the one that was asked for last; names are mostly asked for in runs of one directory. The
   * first is above the root, where there are `%prefix%` and the root. Paths end in a slash.
   */
  private readonly entered: Entered[];

  constructor(patterns: readonly Pattern[], compareMode: boolean) {
    const rules = compileRules(patterns, compareMode);
    const top = new DirectoryMatcher(PathRules.top(rules), new BaseNameRules(rules.baseName));
    this.entered = [{ path: '', matcher: top }];
  }

  covers(name: FileName): boolean {
    const cut = name.lastIndexOf('/');
    return this.inDirectory(name.slice(0, cut + 1)).covers(name.slice(cut + 1));
  }

  mayContain(dir: FileName): boolean {
    if (dir === '/') return true;
    const cut = dir.lastIndexOf('/');
    return this.inDirectory(dir.slice(0, cut + 1)).mayContain(dir.slice(cut + 1));
  }

  enter(dir: FileName): DirectoryMatcher {
    return this.inDirectory(dir === '/' ? dir : dir + '/');
  }

  private inDirectory(path: string): DirectoryMatcher {
    while (!path.startsWith(this.last().path)) this.entered.pop();
    let last = this.last();
    for (let from = last.path.length, to = path.indexOf('/', from); to >= 0; to = path.indexOf('/', from)) {
      last = { path: path.slice(0, to + 1), matcher: last.matcher.enter(path.slice(from, to)) };
      this.entered.push(last);
      from = to + 1;
    }
    return last.matcher;
  }

  /** There is always one: every path starts with that of the first, which is empty. */
  private last(): Entered {
    return this.entered[this.entered.length - 1] as Entered;
  }
}

interface Entered {
  readonly path: string;
  readonly matcher: DirectoryMatcher;
}
