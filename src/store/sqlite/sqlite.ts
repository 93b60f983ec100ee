import fs from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

import { type Encoded, fromText, fsPath } from '../../bytes/bytes.ts';
import { fromHere } from '../../bytes/currentDirectory.ts';
import { parseNames } from '../marks.ts';
import { lastRow, parseRows } from '../rowLines.ts';
import {
  allNames,
  StoreError,
  type ActionRow,
  type Change,
  type ContactRow,
  type DirtyQuery,
  type DirtyRow,
  type FilePage,
  type HintRow,
  type MarkBatch,
  type NameRange,
  type Store,
  type StoreOptions,
  type UnfinishedRow,
} from '../store.ts';
import { applyChanges } from './changes.ts';
import { connect, isBusy, lockedError, type Connection } from './database.ts';
import { neighbours, parseDirtyPage, rowsOf } from './pages.ts';
import {
  bound,
  type Bound,
  dirtyPerPage,
  filesPerPage,
  rowEnd,
  prepareStatements,
  type DirtyParameters,
  type Statements,
} from './statements.ts';

/**
 * A state database in an SQLite file, which the C program may use in turn and at the same time. The file and its tables
 * are created when missing. Every call does its work in one piece, without giving way in the middle of it.
 * Fails with StoreError OPEN, or LOCKED when another process keeps it locked for longer than `options.lockTimeout`.
 */
export function openSqlite(path: string, options: StoreOptions): Store {
  const connection = connect(path, options);
  try {
    return new SqliteStore(path, options, connection);
  } catch (error) {
    connection.close();
    // Tables of other programs by the same names.
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError('OPEN', `Can't open database ${path}: ${reason}`, { cause: error });
  }
}

class SqliteStore implements Store {
  /** As it was given, text. */
  readonly #path: string;
  /** The same as an absolute byte string: other threads open it at times when the current directory is another one. */
  readonly #place: string;
  readonly #options: StoreOptions;
  readonly #connection: Connection;
  readonly #statements: Statements;
  /** The last batch that has to wait for a lock: later ones queue behind it, so that batches never overtake each other. */
  #waiting: Promise<void> | undefined;
  #directorySynced = false;

  constructor(path: string, options: StoreOptions, connection: Connection) {
    this.#path = path;
    this.#place = fromHere(fromText(path));
    this.#options = options;
    this.#connection = connection;
    this.#statements = prepareStatements(connection);
  }

  async *files(range: NameRange): AsyncGenerator<FilePage> {
    for await (const lines of this.fileLines(range)) yield parseRows(lines);
  }

  async *fileLines(range: NameRange): AsyncGenerator<string> {
    let from = range.from;
    for (;;) {
      const [start, end] = bounds({ ...range, from });
      const [blob, count] = (await this.#read(() => this.#statements.filePage.get(start, end, filesPerPage))) ?? [
        null,
        0,
      ];
      if (!blob) return;
      const lines = latin1(blob);
      yield lines;
      if (count < filesPerPage) return;
      from = `${lastRow(lines).name}\0`;
    }
  }

  async fileRows(names: readonly Encoded[]): Promise<ReadonlyMap<Encoded, Encoded>> {
    return this.#readTogether(() => {
      const together = neighbours(names, this.#statements.filePage);
      if (together !== undefined) return rowsOf(together.asked, together.blob);
      const rows = new Map<Encoded, Encoded>();
      for (const name of names) {
        const checktxt = this.#statements.checktxt.get(bound(name));
        if (checktxt !== undefined) rows.set(name, latin1(checktxt));
      }
      return rows;
    });
  }

  async nameAfter(range: NameRange, rows: number): Promise<Encoded | undefined> {
    const name = await this.#read(() => this.#statements.nameAfter.get(...bounds(range), rows));
    return name === undefined ? undefined : latin1(name);
  }

  async fileCount(range: NameRange): Promise<number> {
    return (await this.#read(() => this.#statements.fileCount.get(...bounds(range)))) ?? 0;
  }

  async dirtyPeers(): Promise<Encoded[]> {
    return this.#read(() => this.#statements.dirtyPeers.all().map(latin1));
  }

  async *dirty(query: DirtyQuery): AsyncGenerator<readonly DirtyRow[]> {
    const range = query.range ?? allNames;
    const descending = query.descending === true;
    const statement = descending ? this.#statements.dirtyDescending : this.#statements.dirtyAscending;
    const [lower, upper] = bounds(range);
    const peer = query.peer === undefined ? null : bound(query.peer);
    let parameters: DirtyParameters = descending
      ? { name: upper, lastPeer: null, end: lower, peer }
      : { name: lower, lastPeer: '', end: upper, peer };
    for (;;) {
      const blob = await this.#read(() => statement.get(parameters));
      if (!blob) return;
      const page = parseDirtyPage(blob);
      yield page;
      const last = page[page.length - 1];
      if (last === undefined || page.length < dirtyPerPage) return;
      parameters = { ...parameters, name: bound(last.name), lastPeer: bound(last.peer) };
    }
  }

  async dirtyCounts(range: NameRange): Promise<ReadonlyMap<Encoded, number>> {
    const rows = await this.#read(() => this.#statements.dirtyCounts.all(...bounds(range)));
    return new Map(rows.map(([peer, count]) => [latin1(peer), count]));
  }

  async dirtyAmong(names: readonly Encoded[]): Promise<ReadonlySet<Encoded>> {
    return this.#readTogether(() => {
      const together = neighbours(names, this.#statements.dirtyNames);
      if (together === undefined) {
        return new Set(names.filter((name) => this.#statements.isDirty.get(bound(name)) !== undefined));
      }
      if (together.blob.length === 0) return new Set();
      const dirty = new Set(latin1(together.blob).split(rowEnd));
      return new Set(names.filter((name) => dirty.has(name)));
    });
  }

  /** Many small reads under one lock, which costs as much as one of them. */
  async #readTogether<Result>(action: () => Result): Promise<Result> {
    return this.#read(() => {
      this.#statements.beginReading.run();
      try {
        return action();
      } finally {
        this.#statements.commit.run();
      }
    });
  }

  async hints(): Promise<readonly HintRow[]> {
    const rows = await this.#read(() => this.#statements.hints.all());
    return rows.map(([name, recursive]) => ({ name: latin1(name), recursive: recursive === 1 }));
  }

  async actions(): Promise<readonly ActionRow[]> {
    const rows = await this.#read(() => this.#statements.actions.all());
    return rows.map(([name, command, logfile]) => ({
      name: latin1(name),
      command: latin1(command),
      logfile: latin1(logfile),
    }));
  }

  async certificate(peer: Encoded): Promise<string | undefined> {
    const found = await this.#read(() => this.#statements.certificate.get(bound(peer)));
    return found === undefined ? undefined : latin1(found);
  }

  async certificates(): Promise<readonly { peer: Encoded; certificate: string }[]> {
    const rows = await this.#read(() => this.#statements.certificates.all());
    return rows.map(([peer, certificate]) => ({ peer: latin1(peer), certificate: latin1(certificate) }));
  }

  async marks(): Promise<readonly MarkBatch[]> {
    const rows = await this.#read(() => this.#statements.marks.all());
    return rows.map(([peer, at, names]) => ({ peer: latin1(peer), at, names: parseNames(latin1(names)) }));
  }

  async size(): Promise<number> {
    const sizes = ['', '-wal'].map(
      (end) => fs.statSync(fsPath(this.#place + end), { throwIfNoEntry: false })?.size ?? 0,
    );
    return sizes.reduce((sum, bytes) => sum + bytes);
  }

  async contacts(): Promise<readonly ContactRow[]> {
    const rows = await this.#read(() => this.#statements.contacts.all());
    return rows.map(([peer, reached, failed, trouble]) => ({
      peer: latin1(peer),
      reached: reached ?? undefined,
      failed: failed ?? undefined,
      trouble: trouble === null ? undefined : latin1(trouble),
    }));
  }

  async unfinished(kind?: UnfinishedRow['kind']): Promise<readonly UnfinishedRow[]> {
    const { unfinished, unfinishedOf } = this.#statements;
    const rows = await this.#read(() => (kind === undefined ? unfinished.all() : unfinishedOf.all(kind)));
    return rows.map(([owner, kind, subject, checktxt]) => ({
      owner: latin1(owner),
      kind: (latin1(kind) as string) === 'directory' ? 'directory' : 'file',
      subject: latin1(subject),
      checktxt: latin1(checktxt),
    }));
  }

  async mounts(): Promise<readonly Encoded[]> {
    return this.#read(() => this.#statements.mounts.all().map(latin1));
  }

  async young(names?: readonly Encoded[]): Promise<ReadonlyMap<Encoded, string>> {
    const { young, stamp } = this.#statements;
    const rows = await (names === undefined
      ? this.#read(() => young.all())
      : this.#readTogether(() => names.flatMap((name) => stamp.all(bound(name)))));
    return new Map(rows.map(([name, stamp]) => [latin1(name), latin1(stamp)]));
  }

  async apply(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    if (this.#waiting === undefined && this.#tryWrite(changes) === undefined) return;
    const turn = (): Promise<void> => this.#writeWhenFree(changes);
    const mine = this.#waiting === undefined ? turn() : this.#waiting.then(turn, turn);
    this.#waiting = mine;
    try {
      await mine;
    } finally {
      if (this.#waiting === mine) this.#waiting = undefined;
    }
  }

  /**
   * Commits write the log without waiting for the disk. Once the log itself is on the disk, all that was committed
   * survives a power cut: cheaper than a checkpoint, which writes every page a second time. The log can be opened
   * beside SQLite since none of SQLite's locks are on that file.
   */
  async flush(): Promise<void> {
    await this.#settled();
    if (this.#options.unsafe) return;
    try {
      await syncIfThere(`${this.#place}-wal`);
      if (!this.#directorySynced) await syncIfThere(dirname(this.#place));
      this.#directorySynced = true;
    } catch (error) {
      throw this.#failure('WRITE', error);
    }
  }

  async close(): Promise<void> {
    await this.#settled();
    this.#connection.close();
  }

  /** Batches that wait for a lock are done, one way or the other; each tells its own caller. */
  async #settled(): Promise<void> {
    await Promise.allSettled([this.#waiting]);
  }

  async #writeWhenFree(changes: readonly Change[]): Promise<void> {
    const patience = new Patience(this.#options.lockTimeout);
    for (;;) {
      const busy = this.#tryWrite(changes);
      if (busy === undefined) return;
      if (!(await patience.wait())) throw lockedError(this.#path, this.#options, busy);
    }
  }

  /** One transaction. Returns the error when somebody else holds the lock: then nothing was done. */
  #tryWrite(changes: readonly Change[]): unknown {
    try {
      this.#statements.begin.run();
      applyChanges(this.#statements, changes);
      this.#statements.commit.run();
      return undefined;
    } catch (error) {
      if (this.#connection.inTransaction) this.#statements.rollback.run();
      if (isBusy(error)) return error;
      throw this.#failure('WRITE', error);
    }
  }

  async #read<Result>(action: () => Result): Promise<Result> {
    let patience: Patience | undefined;
    for (;;) {
      try {
        return action();
      } catch (error) {
        if (!isBusy(error)) throw this.#failure('READ', error);
        patience ??= new Patience(this.#options.lockTimeout);
        if (!(await patience.wait())) throw lockedError(this.#path, this.#options, error);
      }
    }
  }

  #failure(code: 'READ' | 'WRITE', error: unknown): StoreError {
    if (error instanceof StoreError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new StoreError(code, `Database ${this.#path}: ${message}`, { cause: error });
  }
}

/** Waits for a lock in growing steps without blocking the thread, so that other sessions of this process go on. */
class Patience {
  readonly #deadline: number;
  #step = 2;

  constructor(seconds: number) {
    this.#deadline = performance.now() + seconds * 1000;
  }

  /** False when the time is up. */
  async wait(): Promise<boolean> {
    const left = this.#deadline - performance.now();
    if (left <= 0) return false;
    await pause(Math.min(this.#step, left));
    this.#step = Math.min(this.#step * 2, 50);
    return true;
  }
}

function bounds({ from, to }: NameRange): [Bound, Bound | null] {
  return [bound(from), to === undefined ? null : bound(to)];
}

function latin1(blob: Buffer): Encoded {
  return blob.toString('latin1') as Encoded;
}

async function syncIfThere(path: string): Promise<void> {
  let fd;
  try {
    fd = await open(fsPath(path), 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    await fdatasync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

// Of node:fs/promises, which takes its time to load, every run would need these two alone.
const open = promisify(fs.open);
const fdatasync = promisify(fs.fdatasync);
