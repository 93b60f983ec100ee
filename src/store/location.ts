import { statSync } from 'node:fs';

import { fsPath, toText } from '../bytes/bytes.ts';
import { decode } from '../bytes/urlEncoding.ts';
import { StoreError } from './store.ts';

export interface SqliteLocation {
  readonly backend: 'sqlite';
  /** The database file, a byte string. */
  readonly path: string;
}

/** How a connection is protected, in libpq's words. `prefer`: TLS when the server offers it, its certificate unchecked. */
export type TlsMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface ServerLocation {
  readonly backend: 'postgres' | 'mysql';
  /** Name or address without brackets; undefined: the server's local socket at its usual place. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** PostgreSQL: the directory of the socket. MySQL: the socket itself. Wins over `host`. */
  readonly socket: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string;
  readonly tls: TlsMode;
  /** Paths of PEM files. */
  readonly tlsAuthority: string | undefined;
  readonly tlsCertificate: string | undefined;
  readonly tlsKey: string | undefined;
}

export type Location = SqliteLocation | ServerLocation;

export const defaultDirectory = '/var/lib/csync2';

const backends: Readonly<Record<string, Location['backend'] | 'sqlite2' | undefined>> = {
  sqlite: 'sqlite',
  sqlite3: 'sqlite',
  sqlite2: 'sqlite2',
  mysql: 'mysql',
  pgsql: 'postgres',
};

/**
 * Where the state database of `host` is. `database` is what `-D` or the configuration's `database` says (a byte string;
 * undefined or empty: the default directory), `config` the name given with `-C` or ''.
 * A path that is an existing directory, or that stands without a scheme and is absolute, is the directory of
 * `HOST[_CONFIG].db3`; any other path is the file itself.
 * Fails with StoreError UNSUPPORTED for what is no such location; its message never holds a password.
 */
export function locate(
  database: string | undefined,
  host: string,
  config: string,
  isDirectory: (path: string) => boolean = isDirectoryOnDisk,
): Location {
  const name = config === '' ? host : `${host}_${config}`;
  const value = database === undefined || database === '' ? defaultDirectory : database;
  const url = /^([A-Za-z0-9+.-]+):\/\/(.*)$/s.exec(value);
  if (url === null) {
    if (/^sqlite[23]?:/.test(value)) throw unsupported(`Write ${schemeOf(value)}:///path with three slashes: ${value}`);
    if (value.startsWith('/')) return inDirectory(value, name);
    return sqliteLocation(value, name, isDirectory);
  }
  const [, scheme = '', rest = ''] = url;
  switch (backends[scheme]) {
    case 'sqlite':
      return sqliteLocation(rest, name, isDirectory);
    case 'postgres':
      return serverLocation('postgres', scheme, rest, name);
    case 'mysql':
      return serverLocation('mysql', scheme, rest, name);
    case 'sqlite2':
      throw unsupported(
        `SQLite 2 databases cannot be read any more: ${value}. ` +
          `Start with a new one, 'database sqlite3:///path/to/new.db3;' or -D, and fill it with 'csync2 -cIr' on a cluster that is in sync.`,
      );
    case undefined:
      throw unsupported(`Unknown database scheme: ${scheme}://`);
  }
}

/** The location as people may see it: never with a password. */
export function displayName(location: Location): string {
  if (location.backend === 'sqlite') return `sqlite3://${location.path}`;
  const scheme = location.backend === 'postgres' ? 'pgsql' : 'mysql';
  const user = location.user === undefined ? '' : `${location.user}@`;
  const host = location.host?.includes(':') ? `[${location.host}]` : (location.host ?? '');
  const port = location.port === undefined ? '' : `:${location.port}`;
  const socket = location.socket === undefined ? '' : `?host=${location.socket}`;
  return `${scheme}://${user}${host}${port}/${location.database}${socket}`;
}

/** The URL as it was written, less the password in it. */
export function hidePassword(url: string): string {
  return url.replace(/^([A-Za-z0-9+.-]+:\/\/[^:@]*:).*@/s, '$1***@');
}

function schemeOf(value: string): string {
  return value.slice(0, value.indexOf(':'));
}

function isDirectoryOnDisk(path: string): boolean {
  try {
    return statSync(fsPath(path), { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    // Who may not see it may not open it either, and that is the better moment to say so.
    return false;
  }
}

function unsupported(message: string): StoreError {
  return new StoreError('UNSUPPORTED', message);
}

function withoutTrailingSlashes(path: string): string {
  return path.replace(/(?!^)\/+$/, '');
}

function inDirectory(directory: string, name: string): SqliteLocation {
  const base = withoutTrailingSlashes(directory);
  return { backend: 'sqlite', path: `${base === '/' ? '' : base}/${name}.db3` };
}

function sqliteLocation(path: string, name: string, isDirectory: (path: string) => boolean): SqliteLocation {
  if (path === '') throw unsupported('The database URL names no file: write sqlite3:///path');
  if (isDirectory(path)) return inDirectory(path, name);
  return { backend: 'sqlite', path: withoutTrailingSlashes(path) };
}

/**
 * `[user[:password]@][host[:port]][/database][?parameters]`. The user part goes up to the last `@`, so a password may
 * hold any character but must write a `%` that two hex digits follow as `%25`; elsewhere `@` is written `%40`.
 */
const serverUrl = /^(?:(.*)@)?(\[[^\]]*\]|[^/:?@]*)(?::([0-9]*))?(?:\/([^?]*))?(?:\?(.*))?$/s;

function serverLocation(
  backend: ServerLocation['backend'],
  scheme: string,
  rest: string,
  name: string,
): ServerLocation {
  const match = serverUrl.exec(rest);
  if (match === null)
    throw unsupported(`Malformed database URL: ${scheme}://… (expected user:password@host:port/database)`);
  const [, account, bracketed = '', port, database, query] = match;
  const parameters = readParameters(scheme, query ?? '');
  const parameterHost = parameters.get('host');
  const colon = account?.indexOf(':') ?? -1;
  const host = bracketed.startsWith('[') ? bracketed.slice(1, -1) : decode(bracketed);
  return {
    backend,
    host: nonEmpty(parameterHost !== undefined && !parameterHost.startsWith('/') ? parameterHost : host),
    port: readPort(scheme, nonEmpty(port)),
    socket: parameters.get('socket') ?? (parameterHost?.startsWith('/') ? parameterHost : undefined),
    user: nonEmpty(decode(colon < 0 ? (account ?? '') : (account ?? '').slice(0, colon))),
    password: colon < 0 ? undefined : decode((account ?? '').slice(colon + 1)),
    database: nonEmpty(decode(database ?? '')) ?? `csync2_${name}`.replace(/[^A-Za-z0-9_]/g, '_'),
    tls: tlsMode(scheme, parameters.get('sslmode')),
    tlsAuthority: parameters.get('sslrootcert'),
    tlsCertificate: parameters.get('sslcert'),
    tlsKey: parameters.get('sslkey'),
  };
}

const knownParameters: readonly string[] = ['host', 'socket', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'];

function readParameters(scheme: string, query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const key = equals < 0 ? part : part.slice(0, equals);
    if (!knownParameters.includes(key)) {
      throw unsupported(`Unknown parameter in the ${scheme}:// URL; known are ${knownParameters.join(', ')}`);
    }
    parameters.set(key, equals < 0 ? '' : decode(part.slice(equals + 1)));
  }
  return parameters;
}

function tlsMode(scheme: string, value: string | undefined): TlsMode {
  switch (value) {
    case undefined:
    case 'prefer':
    case 'allow':
      return 'prefer';
    case 'disable':
    case 'require':
    case 'verify-ca':
    case 'verify-full':
      return value;
    default:
      throw unsupported(
        `sslmode=${toText(value)} in the ${scheme}:// URL is none of disable, prefer, require, verify-ca, verify-full`,
      );
  }
}

function readPort(scheme: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (port < 1 || port > 65535) throw unsupported(`Port ${text} in the ${scheme}:// URL is not in 1–65535`);
  return port;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
