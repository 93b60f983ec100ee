import type { Encoded } from '../bytes/bytes.ts';

/**
 * The state database of one host, as the engine sees it. All names, checktxts, host names, commands are URL-encoded byte
 * strings exactly as they stand in the tables; order is byte order of the encoded form, whatever the server's collation.
 *
 * The interface is coarse on purpose: ordered ranges come out in pages, changes go in as batches, so that a network
 * database costs a round trip per page or batch and never one per file. A page or a batch is bounded in memory.
 *
 * No read holds a transaction open between pages, and `apply` is one short transaction: several processes use one
 * database at once.
 */
export interface Store {
  /** File rows with `range.from <= name < range.to`, in pages ordered by name. Rows changed while iterating may or may not be seen. */
  files(range: NameRange): AsyncIterable<FilePage>;
  /** The same rows as texts of bounded length, in the form of rowLines.ts. Never an empty text. */
  fileLines(range: NameRange): AsyncIterable<string>;
  /** The checktxt of each of these names that has a row. At most a few thousand names a call. */
  fileRows(names: readonly Encoded[]): Promise<ReadonlyMap<Encoded, Encoded>>;

  /**
   * The name inside this range that comes after so many of its rows, for work to be shared out; undefined when there are not so
   * many, or when finding it would be work of its own.
   */
  nameAfter(range: NameRange, rows: number): Promise<Encoded | undefined>;

  /** How many file rows there are in this range; like `dirtyCounts` for people to watch: a server that stores some names escaped counts those where it sorts them. */
  fileCount(range: NameRange): Promise<number>;

  /** Every peer that has a dirty row, ordered. */
  dirtyPeers(): Promise<Encoded[]>;
  /** Dirty rows in pages, ordered by (name, peer), `descending` reverses the order by name. Bounded memory for any number of rows. */
  dirty(query: DirtyQuery): AsyncIterable<readonly DirtyRow[]>;
  /** How many dirty rows in this range each peer has, at the price of one look through them. */
  dirtyCounts(range: NameRange): Promise<ReadonlyMap<Encoded, number>>;
  /** Which of these names are dirty for any peer at all. */
  dirtyAmong(names: readonly Encoded[]): Promise<ReadonlySet<Encoded>>;

  /** Ordered by name. */
  hints(): Promise<readonly HintRow[]>;
  /** Ordered by (command, logfile, name). */
  actions(): Promise<readonly ActionRow[]>;

  /** The remembered certificate of a peer: upper-case hex of its DER. */
  certificate(peer: Encoded): Promise<string | undefined>;
  certificates(): Promise<readonly { peer: Encoded; certificate: string }[]>;

  /** When our dirty marks were made, the newest first; also of marks that are gone, see `tidyMarks`. Tens of bytes a mark. */
  marks(): Promise<readonly MarkBatch[]>;

  /** How the last attempts to reach each peer went, ordered by peer. */
  contacts(): Promise<readonly ContactRow[]>;

  /** Everything that was begun and has not been ended, or that of one kind: every directory that sessions are at work in. */
  unfinished(kind?: UnfinishedRow['kind']): Promise<readonly UnfinishedRow[]>;

  /** Mount points with files of ours: encoded paths on this host, ordered. */
  mounts(): Promise<readonly Encoded[]>;

  /** Stamps of the files that were young when they were recorded, see `noteYoung`: none or a few, as a rule. Undefined: of all. */
  young(names?: readonly Encoded[]): Promise<ReadonlyMap<Encoded, string>>;

  /** Bytes on the disk that holds the database, for people to watch. */
  size(): Promise<number>;

  /** All changes in order, in one transaction: all or none. */
  apply(changes: readonly Change[]): Promise<void>;

  /** Makes what was applied so far survive a power cut (SQLite: checkpoint or sync of the log; servers: nothing to do). */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Half open, in byte order of encoded names. `to === undefined` means no upper bound. */
export interface NameRange {
  readonly from: string;
  readonly to?: string;
}

/** Everything. */
export const allNames: NameRange = { from: '' };

/** Only `name` itself. */
export function exactly(name: Encoded): NameRange {
  return { from: name, to: name + '\0' };
}

/** Everything below directory `name`, without `name` itself: `name/` <= x < `name0`. For the root that is all that starts with `/`. */
export function below(name: Encoded): Required<NameRange> {
  const base = name === '/' ? '' : name;
  return { from: base + '/', to: base + '0' };
}

/** Parallel arrays, ordered by name. */
export interface FilePage {
  readonly names: readonly Encoded[];
  readonly checktxts: readonly Encoded[];
}

export interface DirtyQuery {
  readonly peer?: Encoded;
  readonly range?: NameRange;
  readonly descending?: boolean;
}

export interface DirtyRow {
  readonly name: Encoded;
  readonly forced: boolean;
  readonly myname: Encoded;
  readonly peer: Encoded;
  /** The file row of this name when the dirty row was read; undefined when there was none. */
  readonly checktxt: Encoded | undefined;
}

export interface HintRow {
  readonly name: Encoded;
  readonly recursive: boolean;
}

export interface ActionRow {
  readonly name: Encoded;
  readonly command: Encoded;
  readonly logfile: Encoded;
}

/** Names that were marked for a peer at the same time: a table of our own, which the C program neither reads nor minds. */
export interface MarkBatch {
  readonly peer: Encoded;
  /** Seconds since the epoch. */
  readonly at: number;
  readonly names: readonly Encoded[];
}

/** In a table of our own, too. */
export interface ContactRow {
  readonly peer: Encoded;
  /** Seconds since the epoch of the last attempt that went through to its end; undefined: there was none. */
  readonly reached: number | undefined;
  /** Of the last attempt with trouble. Later than `reached`: the peer is out of reach, or files were refused. */
  readonly failed: number | undefined;
  /** What went wrong then. */
  readonly trouble: Encoded | undefined;
}

/**
 * What a process is about to do to the disk, written down before it does it, so that after a crash the others can tell its
 * doing from anybody else's. `file`: `subject` has names, soon to be what `checktxt` says of each (see `expectedIn` of
 * the journal). `directory`: `subject` is an encoded path on this host in which there may be temporary files.
 */
export interface UnfinishedRow {
  /** A temporary name of the process, see `tempName`. */
  readonly owner: Encoded;
  readonly kind: 'file' | 'directory';
  readonly subject: Encoded;
  readonly checktxt: Encoded;
}

export type Change =
  /** Insert or replace a file row. */
  | { readonly type: 'putFile'; readonly name: Encoded; readonly checktxt: Encoded }
  | { readonly type: 'dropFile'; readonly name: Encoded }
  /** Insert a dirty row, replacing an older one for the same name and peer (also its `forced`). The time is noted, see `marks`. */
  | {
      readonly type: 'markDirty';
      readonly name: Encoded;
      readonly peer: Encoded;
      readonly myname: Encoded;
      readonly forced: boolean;
    }
  /**
   * Delete one dirty row. With `ifFile`, only when the file row is still what it was when the dirty row was read
   * (null: there was none), so that a change recorded in between is not forgotten.
   */
  | {
      readonly type: 'clearDirty';
      readonly name: Encoded;
      readonly peer: Encoded;
      readonly ifFile?: Encoded | null;
    }
  /** Delete the dirty rows of a name for every peer. */
  | { readonly type: 'clearAllDirty'; readonly name: Encoded }
  /** Set forced=1 on the dirty rows in this range. */
  | { readonly type: 'forceDirty'; readonly range: NameRange }
  | { readonly type: 'putHint'; readonly name: Encoded; readonly recursive: boolean }
  | { readonly type: 'dropHint'; readonly name: Encoded; readonly recursive: boolean }
  /** Insert an action row unless it is there. */
  | { readonly type: 'queueAction'; readonly name: Encoded; readonly command: Encoded; readonly logfile: Encoded }
  | { readonly type: 'dropAction'; readonly name: Encoded; readonly command: Encoded; readonly logfile: Encoded }
  | ({ readonly type: 'begin' } & UnfinishedRow)
  /** Delete what one owner began of one kind. */
  | { readonly type: 'end'; readonly owner: Encoded; readonly kind: UnfinishedRow['kind'] }
  /** `path`: an encoded path on this host. In a table of our own. */
  | { readonly type: 'noteMount' | 'dropMount'; readonly path: Encoded }
  /**
   * A file was recorded within the second of its mtime, so that its row may stay as it is when it is changed once more.
   * `stamp`: what tells the two apart, decimal digits. In a table of our own.
   */
  | { readonly type: 'noteYoung'; readonly name: Encoded; readonly stamp: string }
  | { readonly type: 'dropYoung'; readonly name: Encoded }
  | { readonly type: 'putCertificate'; readonly peer: Encoded; readonly certificate: string }
  | { readonly type: 'dropCertificate'; readonly peer: Encoded }
  /** Forget when marks were made for peers that nothing is dirty for. */
  | { readonly type: 'tidyMarks' }
  /** Put these in place of all that was noted of marks made before this time. */
  | { readonly type: 'replaceMarks'; readonly before: number; readonly batches: readonly MarkBatch[] }
  /** An attempt to reach a peer went through (`trouble` undefined) or did not; the time of the other kind is kept. */
  | {
      readonly type: 'noteContact';
      readonly peer: Encoded;
      readonly at: number;
      readonly trouble: Encoded | undefined;
    };

export interface StoreOptions {
  /** Seconds to wait for another process's lock before failing with `code: 'LOCKED'`. Default 10 (the C program's own). */
  readonly lockTimeout: number;
  /** `-A`: do not wait for the disk. */
  readonly unsafe: boolean;
  /** `-B`: do not gather changes into larger transactions. `apply` stays one transaction; see `batchSize`. */
  readonly smallTransactions: boolean;
}

/** How many changes a caller should gather for one `apply`. What must not come apart goes into one batch even so. */
export function batchSize(options: StoreOptions): number {
  return options.smallTransactions ? 64 : 8192;
}

/** A database that cannot be opened, read or written. `message` names the database (never a password) and says why. */
export class StoreError extends Error {
  readonly code: 'OPEN' | 'LOCKED' | 'READ' | 'WRITE' | 'CONNECTION' | 'UNSUPPORTED';
  constructor(code: StoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
