import { after, before, describe } from 'node:test';

import { Client } from 'pg';

import { postgresMissing, type Server, startPostgres } from '../store/servers.ts';
import { lostConnectionTests } from './lostConnection.ts';
import { roundTripTests } from './roundTrips.ts';
import { locationTests } from './location.ts';
import { togetherTests } from './together.ts';

describe('csync2 with its state on PostgreSQL', { skip: postgresMissing }, () => {
  let server: Server;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());

  const url = (database: string, port = server.port): string =>
    `pgsql://postgres:pass%40word@127.0.0.1:${port}/${database}`;

  async function rowsOf(database: string): Promise<number> {
    const client = new Client(`postgres://postgres:pass%40word@127.0.0.1:${server.port}/${database}`);
    await client.connect();
    const { rows } = await client.query<{ count: number }>('SELECT COUNT(*)::int AS count FROM file');
    await client.end();
    return rows[0]?.count ?? 0;
  }

  togetherTests(url);
  roundTripTests(url, () => server.port);
  lostConnectionTests(
    (database, port) => `${url(database, port)}?sslmode=disable`,
    () => server.port,
  );
  locationTests(url, rowsOf);
});
