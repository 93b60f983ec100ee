import { after, before, describe } from 'node:test';

import { locate, type ServerLocation } from '../../src/store/location.ts';
import { openPostgres } from '../../src/store/postgres/postgres.ts';
import { Client } from 'pg';
import { storeContract } from './contract.ts';
import { postgresMissing, startPostgres, type Server } from './servers.ts';

const options = { lockTimeout: 5, unsafe: false, smallTransactions: false };

for (const encoding of ['SQL_ASCII', 'UTF8'] as const) {
  describe(`PostgreSQL, database in ${encoding}`, { skip: postgresMissing }, () => {
    let server: Server;
    let database = 0;
    const url = (name: string): string => `pgsql://postgres:pass%40word@127.0.0.1:${server.port}/${name}`;
    const location = (name: string): ServerLocation => locate(url(name), 'alpha', '') as ServerLocation;
    before(async () => {
      server = await startPostgres();
    });
    after(() => server.stop());

    const reset = async (): Promise<void> => {
      database++;
      if (encoding === 'SQL_ASCII') return;
      const client = new Client({
        host: '127.0.0.1',
        port: server.port,
        user: 'postgres',
        password: 'pass@word',
        database: 'postgres',
      });
      await client.connect();
      await client.query(`CREATE DATABASE state_${database}`);
      await client.end();
    };
    storeContract(() => openPostgres(location(`state_${database}`), options), reset);
  });
}
