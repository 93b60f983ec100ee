import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

import Database from 'better-sqlite3';

import { StoreError, type StoreOptions } from '../store.ts';

export type Connection = Database.Database;

/**
 * The tables as the C program makes them, to the letter: columns without types, so that nothing is converted on the
 * way in, and unique keys, whose indexes serve all our reads. The tables `unfinished`, `contact`, `marked`, `mounted`
 * and `young` are ours alone.
 */
const tables: Readonly<Record<string, string>> = {
  file: '(\tfilename, checktxt,\tUNIQUE ( filename ) ON CONFLICT REPLACE)',
  dirty: '(\tfilename, forced, myname, peername,\tUNIQUE ( filename, peername ) ON CONFLICT IGNORE)',
  hint: '(\tfilename, recursive,\tUNIQUE ( filename, recursive ) ON CONFLICT IGNORE)',
  action: '(\tfilename, command, logfile,\tUNIQUE ( filename, command ) ON CONFLICT IGNORE)',
  x509_cert: '(\tpeername, certdata,\tUNIQUE ( peername ) ON CONFLICT IGNORE)',
  unfinished: '(owner, kind, subject, checktxt)',
  contact: '(peername PRIMARY KEY, reached, failed, trouble)',
  marked: '(peername, moment, names)',
  mounted: '(path PRIMARY KEY)',
  young: '(filename PRIMARY KEY, stamp)',
};

/** Milliseconds that SQLite itself may block this thread for a lock; longer waits are spent outside, see `Patience`. */
const blockingWait = 50;

/**
 * Opens (creates) a database of ours or of the C program. Waits at most `options.lockTimeout` for a lock.
 * Fails with StoreError OPEN or LOCKED.
 */
export function connect(path: string, options: StoreOptions): Connection {
  let connection: Connection | undefined;
  try {
    if (isThere(path)) accessSync(path, constants.R_OK | constants.W_OK);
    connection = keep(new Database(path, { timeout: options.lockTimeout * 1000, nativeBinding: binding() }));
    createMissingTables(connection);
    connection.exec(`PRAGMA busy_timeout = ${blockingWait}`);
    connection.exec(`PRAGMA synchronous = ${options.unsafe ? 'OFF' : 'NORMAL'}`);
    connection.exec('PRAGMA cache_size = -8000');
    preferWriteAheadLog(connection);
    return connection;
  } catch (error) {
    connection?.close();
    if (error instanceof StoreError) throw error;
    if (isBusy(error)) throw lockedError(path, options, error);
    throw new StoreError('OPEN', `Can't open database ${path}: ${reason(path, error)}`, { cause: error });
  }
}

/**
 * A module that is compiled with the headers of Node 24 aborts the process when one of its objects is garbage-collected:
 * they call into an environment that does not exist then. So connections and statements stay, some kilobytes for each
 * connection; and nothing here uses `pragma` or `transaction`, which make statements of their own and drop them.
 */
const abortsWhenCollected = Number(process.versions.modules) >= 137;
const kept: unknown[] = [];

/** Every object that better-sqlite3 makes must go through here. */
export function keep<Wrapped>(object: Wrapped): Wrapped {
  if (abortsWhenCollected) kept.push(object);
  return object;
}

/**
 * The machine code of better-sqlite3. Naming it saves the search through a dozen places, and tells apart the two ways in
 * which it can be missing: not there at all, and made for another Node. Fails with StoreError UNSUPPORTED.
 */
function binding(): string {
  const require = createRequire(import.meta.url);
  try {
    const file = require.resolve('better-sqlite3/build/Release/better_sqlite3.node');
    require(file);
    return file;
  } catch (error) {
    throw bindingError(error);
  }
}

function bindingError(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_DLOPEN_FAILED') return error;
  const isForAnother = message.includes('NODE_MODULE_VERSION');
  const trouble =
    code === 'MODULE_NOT_FOUND' ? 'is not there' : isForAnother ? 'was built for another Node' : 'cannot be loaded';
  const detail = code === 'MODULE_NOT_FOUND' || isForAnother ? '' : ` (${message})`;
  return new StoreError(
    'UNSUPPORTED',
    `The SQLite module, better-sqlite3, ${trouble}: "npm rebuild better-sqlite3" builds it for this one, ${process.version}${detail}`,
    { cause: error },
  );
}

function createMissingTables(connection: Connection): void {
  const tableNames = keep(connection.prepare("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")).pluck();
  const present = tableNames.all();
  const missing = Object.keys(tables).filter((name) => !present.includes(name));
  if (missing.length === 0) return;
  connection.exec('BEGIN IMMEDIATE');
  try {
    for (const name of missing) connection.exec(`CREATE TABLE IF NOT EXISTS ${name} ${tables[name]}`);
    connection.exec(`CREATE INDEX IF NOT EXISTS unfinished_kind ON unfinished (kind, owner)`);
    connection.exec('COMMIT');
  } finally {
    if (connection.inTransaction) connection.exec('ROLLBACK');
  }
}

/**
 * In this mode readers and a writer do not block each other; the file stays in it, which the C program does not mind.
 * It can only be entered while nobody else uses the database. That, and file systems that cannot do it, leave the mode
 * as it is: slower with several processes, but just as right.
 */
function preferWriteAheadLog(connection: Connection): void {
  try {
    connection.exec('PRAGMA journal_mode = WAL');
  } catch (error) {
    if (!isBusy(error)) throw error;
  }
}

export function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code);
}

export function lockedError(path: string, options: StoreOptions, cause: unknown): StoreError {
  const waited = `waited ${options.lockTimeout} s, see lock-timeout`;
  return new StoreError('LOCKED', `Database ${path} is locked by another process (${waited})`, { cause });
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function reason(path: string, error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'EACCES') return 'no permission to read and write it, or to enter a directory on the way';
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true) {
    return `the directory ${dirname(path)} does not exist`;
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return 'it is a directory';
  if (found !== undefined && !found.isFile()) return 'it is not a regular file';
  // SQLite does not tell the two apart when the files beside the database cannot grow.
  if (code.startsWith('SQLITE_IOERR') && isFull(dirname(path))) return 'no space left on device';
  const known = reasons[code];
  return known ?? (error instanceof Error ? error.message : String(error));
}

function isFull(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize < smallestGrowth;
}

/** Bytes: the index of the write-ahead log grows by this much. */
const smallestGrowth = 32 << 10;

const reasons: Readonly<Record<string, string | undefined>> = {
  EROFS: 'it is on a read-only file system',
  SQLITE_READONLY: 'no permission to write it',
  SQLITE_NOTADB: 'the file is not an SQLite 3 database',
};
