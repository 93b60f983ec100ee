import fs, { type BigIntStats } from 'node:fs';
import { ByteStringBuilder } from '../bytes/byteStringBuilder.ts';
import { fsPath, type DiskPath, type Encoded } from '../bytes/bytes.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import { assemble, encodedOwnership } from '../entry/checktxt.ts';
import type { Ignored, Kind } from '../entry/entry.ts';
import { kindOfMode, wholeSeconds } from '../entry/fromStats.ts';
import { type Young, youngAt } from '../entry/young.ts';
import { Excursion } from './excursion.ts';
import { O_PATH, openParent } from './parent.ts';
import { Problem, problemFrom } from './problem.ts';
import { isTempName } from './tempName.ts';

const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;

/** What a walk asks about the names in one directory. `base` is the last component of a name, as a byte string. */
export interface WalkFilter {
  /** The object is to be reported. */
  covers(base: string): boolean;
  /** If it is a directory, the walk goes into it. */
  mayContain(base: string): boolean;
  /** The filter for that directory. */
  enter(base: string): WalkFilter;
}

export interface WalkOptions {
  readonly ignored: Ignored;
  /** Called with every temporary file of csync2 that is met; these are never reported. `removeLeftover` fits here. */
  readonly temporary?: (path: DiskPath) => void;
  /** Only one thread of a process, by default this one, can move its current directory. */
  readonly staysHome?: boolean;
}

/** Names `from <= name < to`; without `to`: all the rest. */
export interface Stretch {
  readonly from: string;
  readonly to?: string | undefined;
}

/** Names `from <= name < to` about which nothing could be found out: their rows are neither confirmed nor refuted. */
export interface UnknownRange {
  readonly from: string;
  readonly to: string;
}

/** What one step of a walk found. */
export interface WalkBatch {
  /**
   * `checktxt TAB name NEWLINE` each, both encoded: file rows as `Store.fileLines` has them. Names are strictly ascending in
   * byte order, also from batch to batch.
   */
  readonly lines: string;
  /** How many lines these are. */
  readonly count: number;
  /** Names and stamps of the files among these that are young. */
  readonly young: ReadonlyMap<Encoded, string>;
  /** May reach beyond the last of the lines, into what later batches report; never begins before it was reported. */
  readonly unknown: UnknownRange[];
  /** One or more for each unknown range. */
  readonly problems: Problem[];
}

/** A directory being read. It is held open, so that what is read is one place, whatever is done to its name. */
interface Frame {
  readonly fd: number;
  /** `/proc/self/fd/N/`. */
  readonly at: string;
  /** Byte string that ends with a slash. */
  readonly path: string;
  /** Encoded, ends with a slash. */
  readonly name: string;
  readonly filter: WalkFilter;
  /** Encoded last components, ascending. */
  readonly bases: readonly string[];
  /** All of `bases` are ASCII and not changed by the encoding. */
  readonly plain: boolean;
  next: number;
  /**
   * Encoded last components of subdirectories not yet entered. Their contents sort as if the name ended in a slash: after
   * `a` come `a-b` and `a.b`, then `a/x`, then `a0`. Each is the beginning of the one after it; the last is due first.
   */
  readonly due: string[];
}

const slash = 0x2f;
/** Longest path that the kernel takes. */
const longestPath = 4095;

/**
 * Visits all that is below a directory, in byte order of the encoded names, in slices: memory is bounded by the slice and
 * by the directories on the way down to the current one. Symbolic links are reported and never followed.
 *
 * What vanishes while the walk goes on is not there; anything else that cannot be looked at is an unknown range.
 */
export class Walk {
  private readonly options: WalkOptions;
  private readonly frames: Frame[] = [];
  private readonly lines = new ByteStringBuilder();
  private count = 0;
  private young = new Map<Encoded, string>();
  private unknown: UnknownRange[] = [];
  private problems: Problem[] = [];
  private youth: Young = youngAt(Date.now());
  private excursion: Excursion | undefined;
  /** Which directory names without a path are in at the moment. */
  private here: Frame | undefined;
  private stretch: Stretch = { from: '' };
  // Neighbours mostly share mode and owner: the text of the last combination is kept.
  private mode = -1n;
  private uid = -1n;
  private gid = -1n;
  private ownership = '';
  private kind: Kind = 'reg';

  /** `name` is the encoded name of the directory at `start`; `filter` answers for what is directly in it. */
  constructor(start: DiskPath, name: Encoded, filter: WalkFilter, options: WalkOptions) {
    this.options = options;
    const parent = openParent(start);
    if (parent instanceof Problem) {
      this.refused(parent, name);
      return;
    }
    try {
      const path = start === '/' ? '' : start;
      this.enter(parent.at, path, name === '/' ? '' : name, filter);
    } finally {
      parent.close();
    }
  }

  /** From now on only these names, which must come after all that were visited. `next` ends with them. */
  goTo(stretch: Stretch): void {
    this.stretch = stretch;
  }

  /**
   * The next objects, `limit` at most and possibly fewer or none; undefined when there are no more. Everything before the
   * last reported name has been visited.
   */
  next(limit: number): WalkBatch | undefined {
    this.youth = youngAt(Date.now());
    if (this.options.staysHome !== true) this.excursion = Excursion.begin();
    let isOver = false;
    try {
      while (this.count < limit && !isOver) {
        const frame = this.frames.at(-1);
        if (frame === undefined) isOver = true;
        else isOver = this.advance(frame, limit) === 'over';
      }
    } finally {
      this.here = undefined;
      this.excursion?.end();
    }
    const { count, young, unknown, problems } = this;
    if (isOver && count === 0 && problems.length === 0) return undefined;
    const lines = this.lines.take();
    this.count = 0;
    this.young = new Map();
    this.unknown = [];
    this.problems = [];
    return { lines, count, young, unknown, problems };
  }

  /** Ends a walk early; a walk that `next` has ended needs no closing, unless it was told to end somewhere. */
  close(): void {
    for (const frame of this.frames.splice(0)) fs.closeSync(frame.fd);
  }

  /** Goes on in one directory until a subdirectory is due, the slice is full, or the directory or the stretch is done. */
  private advance(frame: Frame, limit: number): 'over' | undefined {
    const { bases, due, name } = frame;
    const { from, to } = this.stretch;
    // What is between is mostly far away, in another directory.
    const isLate = to !== undefined && to < endOf(name);
    const isEarly = name < from;
    const at = this.placeOf(frame);
    for (;;) {
      const base = bases[frame.next];
      const directory = due.at(-1);
      if (directory !== undefined && (base === undefined || !precedes(base, directory))) {
        if (isLate && to <= `${name}${directory}/`) return 'over';
        due.pop();
        if (isEarly && endOf(`${name}${directory}/`) <= from) continue;
        const raw = frame.plain ? directory : decode(directory);
        const filter = frame.filter.enter(raw);
        this.enter(fsPath(frame.at + raw), frame.path + raw, name + directory, filter);
        return undefined;
      }
      if (base === undefined) {
        this.frames.pop();
        fs.closeSync(frame.fd);
        return undefined;
      }
      if (this.count >= limit) return undefined;
      if (isLate && to <= name + base) return 'over';
      frame.next++;
      if (!isEarly || from <= name + base) this.visit(frame, at, base, true);
      else if (from < endOf(`${name}${base}/`)) this.visit(frame, at, base, false);
    }
  }

  /** What leads to the names in a directory: nothing where it can be made the current one. */
  private placeOf(frame: Frame): string {
    if (this.here === frame) return '';
    if (this.excursion?.moveTo(frame.at) !== true) return frame.at;
    this.here = frame;
    return '';
  }

  /** Not `wanted`: only what is below it, should it be a directory. */
  private visit(frame: Frame, place: string, base: string, wanted: boolean): void {
    const raw = frame.plain ? base : decode(base);
    if (isTempName(raw)) {
      if (wanted) this.options.temporary?.((frame.path + raw) as DiskPath);
      return;
    }
    const covered = wanted && frame.filter.covers(raw);
    const enterable = frame.filter.mayContain(raw);
    if (!covered && !enterable) return;
    try {
      const at = frame.plain ? place + raw : fsPath(place + raw);
      const stats = fs.lstatSync(at, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) return;
      this.describe(stats);
      if (covered) this.report(frame.name + base, stats, at);
      if (enterable && this.kind === 'dir') frame.due.push(base);
    } catch (error) {
      const problem = problemFrom(error, frame.path + raw);
      if (problem.code === 'ENOENT' || problem.code === 'EINVAL') return; // a link that went away after lstat
      const name = frame.name + base;
      if (covered) this.unknown.push({ from: name, to: name + '\0' });
      if (enterable) this.unknown.push(rangeBelow(name));
      this.problems.push(problem);
    }
  }

  /** Brings `kind` and `ownership` up to date with an object. */
  private describe(stats: BigIntStats): void {
    if (stats.mode === this.mode && stats.uid === this.uid && stats.gid === this.gid) return;
    this.mode = stats.mode;
    this.uid = stats.uid;
    this.gid = stats.gid;
    this.kind = kindOfMode(Number(stats.mode));
    this.ownership = encodedOwnership(stats.mode, stats.uid, stats.gid, this.options.ignored);
  }

  private report(name: string, stats: BigIntStats, at: string | Buffer): void {
    const { kind } = this;
    const detail = {
      size: stats.size,
      device: stats.rdev,
      target: kind === 'lnk' ? fs.readlinkSync(at, 'latin1') : '',
    };
    this.lines.add(`${assemble(kind, wholeSeconds(stats.mtimeNs), this.ownership, detail)}\t${name}\n`);
    this.count += 1;
    if (stats.mtimeNs >= this.youth.from && kind === 'reg' && stats.mtimeNs < this.youth.to) {
      this.young.set(name as Encoded, String(stats.mtimeNs));
    }
  }

  /** Begins to read a directory; `path` and `name` are without a final slash. */
  private enter(directory: string | Buffer, path: string, name: string, filter: WalkFilter): void {
    let fd: number | undefined;
    try {
      if (path.length > longestPath) throw new TooLong();
      fd = fs.openSync(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      const { bases, plain } = orderedBases(fd);
      const at = `/proc/self/fd/${fd}/`;
      this.frames.push({ fd, at, path: path + '/', name: name + '/', filter, bases, plain, next: 0, due: [] });
    } catch (error) {
      if (fd !== undefined) fs.closeSync(fd);
      const place = path || '/';
      this.refused(error instanceof TooLong ? new Problem('ENAMETOOLONG', place) : problemFrom(error, place), name);
    }
  }

  private refused(problem: Problem, name: string): void {
    if (nothingBelow.has(problem.code)) return;
    this.unknown.push(rangeBelow(name));
    this.problems.push(problem);
  }
}

/** It went away, became something else, or is no part of the real tree: then there is nothing below it. */
const nothingBelow: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'PARENT_MISSING', 'IMPURE']);

class TooLong extends Error {}

function rangeBelow(name: string): UnknownRange {
  const base = name === '/' ? '' : name;
  return { from: base + '/', to: base + '0' };
}

/** The first name after all that are in a directory, whose own ends with a slash. */
function endOf(directory: string): string {
  return directory.slice(0, -1) + '0';
}

/** True when `base` sorts before what is in `directory`, given that it sorts after `directory` itself. */
function precedes(base: string, directory: string): boolean {
  return base.charCodeAt(directory.length) < slash && base.startsWith(directory);
}

/** What neither the encoding nor `node:fs` can take as it is. */
const special = /[\x01-\x20\x7f-\xff"'%$:|\\]/;

/** The names in an open directory, encoded and ascending. Most directories are plain, which one look at all names tells. */
function orderedBases(fd: number): { bases: readonly string[]; plain: boolean } {
  const raw = fs.readdirSync(`/proc/self/fd/${fd}`, 'latin1');
  const plain = !special.test(raw.join('/'));
  return { bases: (plain ? raw : raw.map(encode)).sort(), plain };
}
