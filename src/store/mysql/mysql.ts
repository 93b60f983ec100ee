import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { userInfo } from 'node:os';

import { createConnection, type Connection, type ConnectionOptions, type RowDataPacket } from 'mysql2/promise';

import { fsPath, toText } from '../../bytes/bytes.ts';
import { displayName, type ServerLocation } from '../location.ts';
import { codeOf, connectFailure } from '../server/failures.ts';
import { ServerStore } from '../server/serverStore.ts';
import type { StoredForm } from '../server/storedForm.ts';
import { StoreError, type Store, type StoreOptions } from '../store.ts';
import { mysqlDialect, storedFormOf } from './dialect.ts';
import { MysqlSession } from './session.ts';

const localSocket = '/run/mysqld/mysqld.sock';

/**
 * The C program's tables, but binary: in UTF-8 columns it could not store names that are not UTF-8, and would take names
 * that differ only in case for one. It works on these just as well.
 */
const tables: readonly string[] = [
  'action (filename BLOB NOT NULL, command BLOB NOT NULL, logfile BLOB NOT NULL, KEY filename (filename(255)), KEY command (command(255)))',
  'dirty (filename BLOB NOT NULL, forced INTEGER NOT NULL, myname BLOB NOT NULL, peername BLOB NOT NULL, KEY filename (filename(255)), KEY dirty_host (peername(255)))',
  'file (filename BLOB NOT NULL, checktxt BLOB NOT NULL, KEY filename (filename(255)))',
  'hint (filename BLOB NOT NULL, `recursive` INTEGER NOT NULL)',
  'x509_cert (peername BLOB NOT NULL, certdata BLOB NOT NULL, KEY peername (peername(255)))',
  'unfinished (owner BLOB NOT NULL, kind BLOB NOT NULL, subject BLOB NOT NULL, checktxt BLOB NOT NULL, KEY kind (kind(9), owner(100)))',
  'contact (peername BLOB NOT NULL, outcome BLOB NOT NULL, moment BLOB NOT NULL, trouble BLOB NOT NULL)',
  'marked (peername BLOB NOT NULL, moment BLOB NOT NULL, names MEDIUMBLOB NOT NULL)',
  'mounted (path BLOB NOT NULL)',
  'young (filename BLOB NOT NULL, stamp BLOB NOT NULL)',
];

/**
 * A state database on MySQL or MariaDB: the C program's, or a new one. The database (as far as the account may) and its
 * tables are created when missing. Fails with StoreError OPEN, CONNECTION, LOCKED or UNSUPPORTED.
 */
export async function openMysql(location: ServerLocation, options: StoreOptions): Promise<Store> {
  const name = displayName(location);
  refuseUnchecked(location, name);
  let connection: Connection | undefined;
  try {
    connection = await connect(location);
    await useDatabase(connection, toText(location.database));
    await connection.query(settings(options));
    const form = await prepareTables(connection, name);
    return new ServerStore(new MysqlSession(connection, mysqlDialect(form), options), name, options);
  } catch (error) {
    connection?.destroy();
    throw connectFailure(name, error, location.password);
  }
}

/** The driver compares certificates with names only: for an address it would accept any that is made out to localhost. */
function refuseUnchecked({ tls, host, socket }: ServerLocation, name: string): void {
  if (tls !== 'verify-full' || socket !== undefined || isIP(host ?? '') === 0) return;
  throw new StoreError(
    'UNSUPPORTED',
    `Database ${name}: sslmode=verify-full needs the server's name instead of its address; verify-ca takes either`,
  );
}

/** Sorting must look at whole names, and no value may be cut or bent silently. */
function settings(options: StoreOptions): string {
  return [
    'SET SESSION max_sort_length = 16384',
    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
    `SET SESSION innodb_lock_wait_timeout = ${Math.max(1, Math.ceil(options.lockTimeout))}`,
  ].join('; ');
}

async function useDatabase(connection: Connection, database: string): Promise<void> {
  const name = `\`${database.replaceAll('`', '``')}\``;
  try {
    await connection.query(`USE ${name}`);
  } catch (error) {
    if (codeOf(error) !== 'ER_BAD_DB_ERROR') throw error;
    await connection.query(`CREATE DATABASE IF NOT EXISTS ${name} CHARACTER SET binary`);
    await connection.query(`USE ${name}`);
  }
}

async function prepareTables(connection: Connection, name: string): Promise<StoredForm> {
  const [present] = await connection.query<RowDataPacket[]>(
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()',
  );
  const names = present.map((row) => String(row['name']).toLowerCase());
  for (const table of tables) {
    if (names.includes(table.slice(0, table.indexOf(' ')))) continue;
    await connection.query(`CREATE TABLE IF NOT EXISTS ${table} ENGINE=InnoDB`);
  }
  const [columns] = await connection.query<RowDataPacket[]>(
    `SELECT CHARACTER_SET_NAME AS characters FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'file' AND COLUMN_NAME = 'filename'`,
  );
  const characters = (columns[0]?.['characters'] ?? null) as string | null;
  const form = storedFormOf(characters);
  if (form !== undefined) return form;
  throw new StoreError(
    'UNSUPPORTED',
    `Database ${name} has character set ${characters}; create it with CHARACTER SET binary`,
  );
}

/** `prefer` goes on without TLS when the server has none; over a local socket there is nothing to protect. */
async function connect(location: ServerLocation): Promise<Connection> {
  const options = connectionOptions(location);
  if (location.tls === 'disable' || options.socketPath !== undefined) return connectWith(options);
  try {
    return await connectWith({ ...options, ssl: tlsOptions(location) });
  } catch (error) {
    if (location.tls !== 'prefer' || codeOf(error) !== 'HANDSHAKE_NO_SSL_SUPPORT') throw error;
    return connectWith(options);
  }
}

async function connectWith(options: ConnectionOptions): Promise<Connection> {
  const connection = await createConnection(options);
  // A connection that breaks while idle is noticed by the next query; without a listener it would end the process.
  connection.on('error', () => undefined);
  return connection;
}

/** As the C client library has it, no host and `localhost` mean the local socket where there is one. */
function connectionOptions(location: ServerLocation): ConnectionOptions {
  const isLocal = location.host === undefined || (location.host === 'localhost' && location.port === undefined);
  const socket = location.socket ?? (isLocal && existsSync(localSocket) ? localSocket : undefined);
  const address =
    socket === undefined
      ? { host: toText(location.host ?? 'localhost'), port: location.port ?? 3306 }
      : { socketPath: toText(socket) };
  return {
    ...address,
    user: location.user === undefined ? userInfo().username : toText(location.user),
    ...(location.password === undefined ? {} : { password: toText(location.password) }),
    charset: 'utf8mb4',
    multipleStatements: true,
    connectTimeout: 10_000,
  };
}

function tlsOptions(location: ServerLocation): NonNullable<Exclude<ConnectionOptions['ssl'], string>> {
  const pem = (path: string | undefined): Buffer | undefined =>
    path === undefined ? undefined : readFileSync(fsPath(path));
  const [ca, cert, key] = [location.tlsAuthority, location.tlsCertificate, location.tlsKey].map(pem);
  return {
    rejectUnauthorized: location.tls === 'verify-ca' || location.tls === 'verify-full',
    verifyIdentity: location.tls === 'verify-full',
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
