import { after, before, describe } from 'node:test';

import { createConnection, type RowDataPacket } from 'mysql2/promise';

import { mysqlMissing, type Server, startMysql } from '../store/servers.ts';
import { lostConnectionTests } from './lostConnection.ts';
import { roundTripTests } from './roundTrips.ts';
import { locationTests } from './location.ts';
import { togetherTests } from './together.ts';

describe('csync2 with its state on MySQL', { skip: mysqlMissing }, () => {
  let server: Server;
  before(async () => {
    server = await startMysql();
  });
  after(() => server.stop());

  const url = (database: string, port = server.port): string =>
    `mysql://csync2:pass%40word@127.0.0.1:${port}/${database}`;

  async function rowsOf(database: string): Promise<number> {
    const account = { user: 'csync2', password: 'pass@word', socketPath: server.socket, database };
    const connection = await createConnection(account);
    const [rows] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS count FROM file');
    await connection.end();
    return Number(rows[0]?.['count']);
  }

  togetherTests(url);
  roundTripTests(url, () => server.port);
  lostConnectionTests(
    (database, port) => `${url(database, port)}?sslmode=disable`,
    () => server.port,
  );
  locationTests(url, rowsOf);
});
