import type { Encoded, FileName } from '../bytes/bytes.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import type { Entry } from '../entry/entry.ts';
import { isSetTo } from '../entry/young.ts';
import { Filesystems } from '../filesystem/flush.ts';
import type { Problem } from '../filesystem/problem.ts';
import { isLeftover, isOfEarlierBoot, isOwnTempName, isTempName, tempName } from '../filesystem/tempName.ts';
import type { Cluster } from '../groups/cluster.ts';
import { now } from '../store/marks.ts';
import type { Change, UnfinishedRow } from '../store/store.ts';

/** A file and what it is soon to be. */
export interface Expected {
  readonly name: Encoded;
  /** Undefined: gone. */
  readonly checktxt: Encoded | undefined;
  /** Of a regular file: what its mtime is to have beyond the second. Undefined: that does not matter, or is not known. */
  readonly microseconds?: number | undefined;
}

/** Is what was found what was expected? `file`: a regular one; undefined where there is none. */
export function isAsExpected(
  { checktxt, microseconds }: Expected,
  now: Encoded | undefined,
  file: Entry | undefined,
): boolean {
  if (now !== checktxt) return false;
  return microseconds === undefined || file === undefined || isSetTo(microseconds, file);
}

const underWay = new Set<Encoded>();

/** The owner's name is one of the temporary names of its process. True when nobody can be at work under it any more. */
export function isGone(owner: Encoded): boolean {
  const name = decode(owner);
  if (underWay.has(owner)) return false;
  return !isTempName(name) || isLeftover(name, 0) || isOwnTempName(name);
}

/** True when the host went down while the owner was at work. */
export function wentDown(owner: Encoded): boolean {
  return isOfEarlierBoot(decode(owner));
}

/** Between the files of one row, in both of its columns; the URL encoding leaves none in a name or a checktxt. */
const separator = ':';
/** Between a checktxt and its microseconds, as rare. */
const subseparator = '|';
/**
 * Characters of one row, until one more file. MySQL's columns hold 65,535 bytes, of which some character sets need three for
 * one of ours; a name or a link's target alone can be 20,000 characters.
 */
const rowSize = 12_000;

/** What a row of the kind `file` tells of: any number of files. */
export function expectedIn({ subject, checktxt }: UnfinishedRow): Expected[] {
  const states = checktxt.split(separator);
  return subject.split(separator).map((name, at) => {
    const [text, microseconds] = (states[at] ?? '').split(subseparator);
    return {
      name: name as Encoded,
      checktxt: (text || undefined) as Encoded | undefined,
      microseconds: microseconds === undefined ? undefined : Number(microseconds),
    };
  });
}

function stateOf({ checktxt = '' as Encoded, microseconds }: Expected): string {
  return microseconds === undefined ? checktxt : checktxt + subseparator + microseconds;
}

/**
 * What a session is about to do to the disk, as rows for the store (`UnfinishedRow`). They are committed before it is done and
 * go with the rows that say that it is done, so that a crash in between leaves no change that looks like somebody else's.
 */
export class Journal {
  readonly #owner = tempName() as Encoded;
  readonly #directories = new Set<Encoded>();
  readonly #filesystems = new Filesystems();
  #filesBegun = false;
  #isFlushed = true;

  constructor() {
    underWay.add(this.#owner);
  }

  get owner(): Encoded {
    return this.#owner;
  }

  /** Files whose row does not say yet what will be there. */
  begin(expected: readonly Expected[]): Change[] {
    if (expected.length === 0) return [];
    this.#filesBegun = true;
    this.#isFlushed = false;
    const rows: Change[] = [];
    for (let from = 0, to = 0, size = 0; from < expected.length; from = to, size = 0) {
      for (; to < expected.length && size < rowSize; to++) size += sizeOf(expected[to] as Expected);
      const files = expected.slice(from, to);
      const names = files.map(({ name }) => name).join(separator) as Encoded;
      rows.push(this.#row('file', names, files.map(stateOf).join(separator) as Encoded));
    }
    return rows;
  }

  /**
   * The directories in which files will be replaced or removed, each once a session. What is in them is in doubt when the power
   * fails before all is flushed.
   */
  stage(cluster: Cluster, files: readonly FileName[]): Change[] {
    const changes: Change[] = [];
    for (const file of files) {
      const path = cluster.toDisk(file);
      if (path === undefined) continue;
      const parent = path.slice(0, path.lastIndexOf('/')) || '/';
      for (const directory of [parent, ...cluster.backupsFor(file).map((backup) => backup.directory + parent)]) {
        const subject = encode(directory);
        if (this.#directories.has(subject)) continue;
        this.#directories.add(subject);
        this.#filesystems.add(directory);
        changes.push(this.#row('directory', subject, String(now()) as Encoded));
      }
    }
    return changes;
  }

  get hasStaged(): boolean {
    return this.#directories.size > 0;
  }

  /** All that was begun was done, and is on the disk. */
  get isFlushed(): boolean {
    return this.#isFlushed;
  }

  /** Makes what was done survive a power cut. */
  async flush(): Promise<Problem | undefined> {
    const problem = await this.#filesystems.flush();
    if (problem === undefined) this.#isFlushed = true;
    return problem;
  }

  /** For the commit of the rows of what was begun; `settled` is to be called when that has succeeded. */
  settle(): Change[] {
    return this.#filesBegun ? [{ type: 'end', owner: this.#owner, kind: 'file' }] : [];
  }

  settled(): void {
    this.#filesBegun = false;
  }

  /** When nothing is under way any more. What was begun and never settled is left to `recover`. */
  close(): Change[] {
    underWay.delete(this.#owner);
    return this.#directories.size === 0 ? [] : [{ type: 'end', owner: this.#owner, kind: 'directory' }];
  }

  get isSettled(): boolean {
    return !this.#filesBegun;
  }

  #row(kind: 'file' | 'directory', subject: Encoded, checktxt: Encoded): Change {
    return { type: 'begin', owner: this.#owner, kind, subject, checktxt };
  }
}

function sizeOf(expected: Expected): number {
  return expected.name.length + stateOf(expected).length;
}
