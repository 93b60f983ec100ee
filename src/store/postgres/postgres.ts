import type { Client } from 'pg';

import { displayName, type ServerLocation } from '../location.ts';
import { codeOf, connectFailure } from '../server/failures.ts';
import { ServerStore } from '../server/serverStore.ts';
import type { Dialect, ErrorKind, Session } from '../server/session.ts';
import { anyBytes, charactersOnly, type StoredForm } from '../server/storedForm.ts';
import { StoreError, type Store, type StoreOptions } from '../store.ts';
import { connectPostgres } from './connecting.ts';
import { postgresDialect } from './dialect.ts';

/** The tables as the C program makes them there. */
const tables: readonly string[] = [
  'action (filename TEXT NOT NULL, command TEXT NOT NULL, logfile TEXT NOT NULL, UNIQUE (filename, command))',
  'dirty (filename TEXT NOT NULL, forced INTEGER NOT NULL, myname TEXT NOT NULL, peername TEXT NOT NULL, UNIQUE (filename, peername))',
  'file (filename TEXT NOT NULL, checktxt TEXT NOT NULL, UNIQUE (filename))',
  'hint (filename TEXT NOT NULL, recursive INTEGER NOT NULL)',
  'x509_cert (peername TEXT NOT NULL, certdata TEXT NOT NULL, UNIQUE (peername))',
  'unfinished (owner TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, checktxt TEXT NOT NULL)',
  'contact (peername TEXT NOT NULL, outcome TEXT NOT NULL, moment TEXT NOT NULL, trouble TEXT NOT NULL)',
  'marked (peername TEXT NOT NULL, moment TEXT NOT NULL, names TEXT NOT NULL)',
  'mounted (path TEXT NOT NULL)',
  'young (filename TEXT NOT NULL, stamp TEXT NOT NULL)',
];

/** An ordered index takes keys of 2.7 kB at most (compressed). A hash index takes any; our batches keep rows unique themselves. */
const longKeyStatements: readonly string[] = [
  'ALTER TABLE file DROP CONSTRAINT IF EXISTS file_filename_key',
  'ALTER TABLE dirty DROP CONSTRAINT IF EXISTS dirty_filename_peername_key',
  'ALTER TABLE action DROP CONSTRAINT IF EXISTS action_filename_command_key',
  'CREATE INDEX IF NOT EXISTS file_filename_hash ON file USING hash (filename)',
  'CREATE INDEX IF NOT EXISTS dirty_filename_hash ON dirty USING hash (filename)',
  'CREATE INDEX IF NOT EXISTS action_filename_hash ON action USING hash (filename)',
];

/** 'csync2' in ASCII: the number of the lock that our batches take, each database having its own. */
const batchLock = 0x6373796e6332;

/**
 * A state database on PostgreSQL: the C program's, or a new one. The database (as far as the account may) and its tables
 * are created when missing. Fails with StoreError OPEN, CONNECTION, LOCKED or UNSUPPORTED.
 */
export async function openPostgres(location: ServerLocation, options: StoreOptions): Promise<Store> {
  const name = displayName(location);
  let client: Client | undefined;
  try {
    client = await connectPostgres(location);
    await client.query(settings(options));
    const encoding = await single(client, 'SELECT getdatabaseencoding()');
    const session = new PostgresSession(client, postgresDialect(storedForm(name, encoding)));
    await createMissingTables(client, session);
    return new ServerStore(session, name, options);
  } catch (error) {
    await client?.end();
    throw connectFailure(name, error, location.password);
  }
}

/**
 * SQL_ASCII on our side means that bytes pass unchanged, as they do for the C program. It leaves waiting for locks to
 * the server's default; we do not wait for ever.
 */
function settings(options: StoreOptions): string {
  return [
    "SET client_encoding = 'SQL_ASCII'",
    'SET standard_conforming_strings = on',
    "SET bytea_output = 'hex'",
    "SET client_min_messages = 'warning'",
    `SET lock_timeout = ${Math.max(1, Math.round(options.lockTimeout * 1000))}`,
    ...(options.unsafe ? ['SET synchronous_commit = off'] : []),
  ].join('; ');
}

function storedForm(name: string, encoding: string): StoredForm {
  if (encoding === 'UTF8') return charactersOnly();
  if (/^(SQL_ASCII|LATIN\d+|ISO_8859_\d+|WIN\d+|KOI8[RU])$/.test(encoding)) return anyBytes;
  throw new StoreError(
    'UNSUPPORTED',
    `Database ${name} has encoding ${encoding}, which cannot hold file names; create it with ENCODING 'SQL_ASCII' TEMPLATE template0`,
  );
}

async function createMissingTables(client: Client, session: Session): Promise<void> {
  const names = tables.map((table) => `to_regclass('${table.slice(0, table.indexOf(' '))}') IS NULL`);
  if ((await single(client, `SELECT (${names.join(' OR ')})::text`)) === 'false') return;
  await session.begin();
  await session.run(tables.map((table) => `CREATE TABLE IF NOT EXISTS ${table}`));
  await session.run(['CREATE INDEX IF NOT EXISTS unfinished_kind ON unfinished (kind, owner)']);
  await session.commit();
}

async function single(client: Client, sql: string): Promise<string> {
  const result = await client.query<[string]>({ text: sql, rowMode: 'array' });
  return result.rows[0]?.[0] ?? '';
}

const statesOf: Readonly<Record<string, ErrorKind | undefined>> = {
  '40001': 'RETRY',
  '40P01': 'RETRY',
  '23505': 'RETRY',
  '55P03': 'LOCKED',
  '54000': 'KEY_TOO_LONG',
  '57P01': 'CONNECTION',
  '57P02': 'CONNECTION',
  '57P03': 'CONNECTION',
};

class PostgresSession implements Session {
  readonly dialect: Dialect;
  readonly #client: Client;
  #lost = false;

  constructor(client: Client, dialect: Dialect) {
    this.#client = client;
    this.dialect = dialect;
    client.on('error', () => (this.#lost = true));
    client.on('end', () => (this.#lost = true));
  }

  /** All rows of a page as one value. */
  async lines(select: string): Promise<string[]> {
    const page = `SELECT convert_to(string_agg(line, E'\\n'), 'SQL_ASCII') FROM (${select}) AS page`;
    const result = await this.#client.query<[Buffer | null]>({ text: page, rowMode: 'array' });
    const blob = result.rows[0]?.[0];
    return blob ? blob.toString('latin1').split('\n') : [];
  }

  async begin(): Promise<void> {
    await this.#client.query(`BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(${batchLock})`);
  }

  async run(statements: readonly string[]): Promise<void> {
    if (statements.length > 0) await this.#client.query(statements.join(';\n'));
  }

  async commit(): Promise<void> {
    await this.#client.query('COMMIT');
  }

  async rollback(): Promise<void> {
    await this.#client.query('ROLLBACK');
  }

  async allowLongKeys(): Promise<void> {
    await this.begin();
    await this.run(longKeyStatements);
    await this.commit();
  }

  kindOf(error: unknown): ErrorKind {
    const code = codeOf(error);
    const known = statesOf[code];
    if (known !== undefined) return known;
    return this.#lost || code.startsWith('08') || /^E[A-Z]+$/.test(code) ? 'CONNECTION' : 'OTHER';
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}
