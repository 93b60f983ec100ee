import { after, before, describe } from 'node:test';

import { createConnection } from 'mysql2/promise';

import { locate, type ServerLocation } from '../../src/store/location.ts';
import { openMysql } from '../../src/store/mysql/mysql.ts';
import { storeContract } from './contract.ts';
import { mysqlMissing, startMysql, type Server } from './servers.ts';

const options = { lockTimeout: 5, unsafe: false, smallTransactions: false };

/** What the C program makes in a database of the server's default character set. */
export const characterTables = `
  CREATE TABLE action (filename TEXT NOT NULL, command TEXT NOT NULL, logfile TEXT NOT NULL, KEY filename (filename(255)), KEY command (command(255)));
  CREATE TABLE dirty (filename TEXT NOT NULL, forced INTEGER NOT NULL, myname TEXT NOT NULL, peername TEXT NOT NULL, KEY filename (filename(255)), KEY dirty_host (peername(255)));
  CREATE TABLE file (filename TEXT NOT NULL, checktxt TEXT NOT NULL, KEY filename (filename(255)));
  CREATE TABLE hint (filename TEXT NOT NULL, \`recursive\` INTEGER NOT NULL);
  CREATE TABLE x509_cert (peername TEXT NOT NULL, certdata TEXT NOT NULL, KEY peername (peername(255)));`;

for (const characters of ['binary', 'utf8mb4', 'latin1'] as const) {
  describe(`MySQL, tables in ${characters}`, { skip: mysqlMissing }, () => {
    let server: Server;
    let database = 0;
    const location = (): ServerLocation =>
      locate(`mysql://csync2:pass%40word@127.0.0.1:${server.port}/state_${database}`, 'alpha', '') as ServerLocation;
    before(async () => {
      server = await startMysql();
    });
    after(() => server.stop());

    const reset = async (): Promise<void> => {
      database++;
      if (characters === 'binary') return;
      const connection = await createConnection({
        socketPath: server.socket,
        user: 'csync2',
        password: 'pass@word',
        multipleStatements: true,
      });
      await connection.query(
        `CREATE DATABASE state_${database} CHARACTER SET ${characters}; USE state_${database}; ${characterTables}`,
      );
      await connection.end();
    };
    storeContract(() => openMysql(location(), options), reset);
  });
}
