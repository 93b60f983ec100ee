import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';

import { Client, type ClientConfig } from 'pg';

import { fsPath, toText } from '../../bytes/bytes.ts';
import type { ServerLocation } from '../location.ts';
import { codeOf } from '../server/failures.ts';

const socketDirectory = '/var/run/postgresql';
/** SQLSTATEs: no such database; made by somebody else just now. */
const noSuchDatabase = '3D000';
const alreadyThere = ['42P04', '23505'];

/** Connects, creating the database when it is missing. Fails with the driver's errors. */
export async function connectPostgres(location: ServerLocation): Promise<Client> {
  try {
    return await connectTo(location, location.database);
  } catch (error) {
    if (codeOf(error) !== noSuchDatabase) throw error;
  }
  await createDatabase(location);
  return connectTo(location, location.database);
}

/** SQL_ASCII takes every byte as it is, which is what file names need; the C program works on it as well. */
async function createDatabase(location: ServerLocation): Promise<void> {
  const client = await connectTo(location, 'postgres');
  try {
    const name = client.escapeIdentifier(toText(location.database));
    await client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'`);
  } catch (error) {
    if (!alreadyThere.includes(codeOf(error))) throw error;
  } finally {
    await client.end();
  }
}

/** `prefer` goes on without TLS when the server has none; over a local socket there is nothing to protect. */
async function connectTo(location: ServerLocation, database: string): Promise<Client> {
  const config = clientConfig(location, database);
  const isLocal = config.host?.startsWith('/') === true;
  if (location.tls === 'disable' || isLocal) return connectWith({ ...config, ssl: false });
  try {
    return await connectWith({ ...config, ssl: tlsOptions(location) });
  } catch (error) {
    const refused = error instanceof Error && error.message.includes('does not support SSL');
    if (location.tls !== 'prefer' || !refused) throw error;
    return connectWith({ ...config, ssl: false });
  }
}

async function connectWith(config: ClientConfig): Promise<Client> {
  const client = new Client(config);
  // A connection that breaks while idle is noticed by the next query; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Where the URL is silent, PGHOST and the like count, then what libpq would take. A missing password may be in .pgpass. */
function clientConfig(location: ServerLocation, database: string): ClientConfig {
  const local = existsSync(socketDirectory) ? socketDirectory : 'localhost';
  const password = location.password === undefined ? {} : { password: toText(location.password) };
  return {
    host: toText(location.socket ?? location.host ?? process.env['PGHOST'] ?? local),
    ...(location.port === undefined ? {} : { port: location.port }),
    user: location.user === undefined ? (process.env['PGUSER'] ?? userInfo().username) : toText(location.user),
    ...password,
    database: toText(database),
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    application_name: 'csync2',
  };
}

function tlsOptions(location: ServerLocation): ConnectionOptions {
  const verify = location.tls === 'verify-ca' || location.tls === 'verify-full';
  const pem = (path: string | undefined): Buffer | undefined =>
    path === undefined ? undefined : readFileSync(fsPath(path));
  return {
    rejectUnauthorized: verify,
    ca: pem(location.tlsAuthority),
    cert: pem(location.tlsCertificate),
    key: pem(location.tlsKey),
    ...(location.tls === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}
