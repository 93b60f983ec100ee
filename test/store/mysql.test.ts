import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';

import { storeContract } from './contract.ts';
import { Oracle, oracleMissing } from './oracle.ts';
import { nameList, put } from './rows.ts';
import { mysqlMissing, startMysql, type Server } from './servers.ts';
import { failsWith, openUrl, serverTests, turnTests, using } from './serverTests.ts';

/** What the C program makes, in the character set of the database; where `recursive` is a reserved word it fails at that. */
const tablesOfC = `
  CREATE TABLE action (filename TEXT NOT NULL, command TEXT NOT NULL, logfile TEXT NOT NULL, KEY filename (filename(255)), KEY command (command(255)));
  CREATE TABLE dirty (filename TEXT NOT NULL, forced INTEGER NOT NULL, myname TEXT NOT NULL, peername TEXT NOT NULL, KEY filename (filename(255)), KEY dirty_host (peername(255)));
  CREATE TABLE file (filename TEXT NOT NULL, checktxt TEXT NOT NULL, KEY filename (filename(255)));
  CREATE TABLE hint (filename TEXT NOT NULL, \`recursive\` INTEGER NOT NULL);
  CREATE TABLE x509_cert (peername TEXT NOT NULL, certdata TEXT NOT NULL, KEY peername (peername(255)));`;

describe('MySQL', { skip: mysqlMissing }, () => {
  let server: Server;
  before(async () => {
    server = await startMysql();
  });
  after(() => server.stop());

  const at = (database: string, port = server.port): string =>
    `mysql://csync2:pass%40word@127.0.0.1:${port}/${database}`;

  function connected(): Promise<Connection> {
    const account = { user: 'csync2', password: 'pass@word', multipleStatements: true };
    return createConnection({ socketPath: server.socket, ...account });
  }

  async function query(sql: string): Promise<unknown> {
    const connection = await connected();
    try {
      return (await connection.query(sql))[0];
    } finally {
      await connection.end();
    }
  }

  const makeAsC = async (database: string, characters: string): Promise<void> => {
    await query(`CREATE DATABASE ${database} CHARACTER SET ${characters}; USE ${database}; ${tablesOfC}`);
  };

  for (const characters of ['binary', 'utf8mb4', 'latin1'] as const) {
    describe(`the contract, with tables in ${characters}`, () => {
      const database = `contract_${characters}`;
      before(async () => {
        if (characters !== 'binary') await makeAsC(database, characters);
        await (await openUrl(at(database))).close();
      });
      const reset = async (): Promise<void> => {
        await query(
          `USE ${database}; DELETE FROM file; DELETE FROM dirty; DELETE FROM hint; DELETE FROM action; DELETE FROM x509_cert; DELETE FROM contact; DELETE FROM unfinished; DELETE FROM marked; DELETE FROM mounted; DELETE FROM young`,
        );
      };
      storeContract(() => openUrl(at(database)), reset, { pages: 20_000, batch: 3000 });
    });
  }

  serverTests(
    at,
    () => server.port,
    async (database) => {
      const connection = await connected();
      await connection.query(`USE ${database}; BEGIN; UPDATE file SET checktxt = 'foreign' WHERE filename = '/held'`);
      return async () => {
        await connection.query('COMMIT');
        await connection.end();
      };
    },
  );

  describe('with the C program', () => {
    const trusted = (database: string): string => `mysql://plain:plain@127.0.0.1:${server.port}/${database}`;
    before(() => query("CREATE USER 'plain'@'%' IDENTIFIED BY 'plain'; GRANT ALL ON *.* TO 'plain'@'%'"));

    describe('in character tables', () => {
      const prepare = (database: string): Promise<void> => makeAsC(database, 'utf8mb4');
      turnTests(trusted, prepare, ['a', "b' %$:|\\", 'caf\xc3\xa9', '\xd0\x9f']);
    });

    test('in tables that we made it tells names apart by their bytes', { skip: oracleMissing }, async () => {
      const oracle = new Oracle();
      await using(trusted('bytes'), (store) => store.apply([put('/a')]));
      const names = ['', 'a', 'A', 'caf\xe9', 'caf\xc3\xa9'];
      oracle.write(...names.slice(1));
      const outcome = await oracle.run(trusted('bytes'), '-cr', oracle.data);
      assert.equal(outcome.code, 0, outcome.stderr);
      await using(trusted('bytes'), async (store) => {
        assert.deepEqual(await nameList(store), ['/a', ...oracle.encoded(...names)].sort());
      });
      oracle.remove();
    });

    test('rows that stand there twice count once', async () => {
      await using(at('twice'), async (store) => {
        await store.apply([put('/a', 'x'), put('/b', 'y')]);
        await query(
          "USE twice; INSERT INTO file VALUES ('/a', 'x'), ('/b', 'y'); INSERT INTO dirty VALUES ('/a', 0, 'm', 'p'), ('/a', 0, 'm', 'p')",
        );
        assert.deepEqual(await nameList(store), ['/a', '/b']);
        await store.apply([{ type: 'dropFile', name: (await nameList(store))[0] as never }]);
        assert.deepEqual(await nameList(store), ['/b']);
      });
    });
  });

  describe('connections', () => {
    test('the local socket is used when the URL names it', async () => {
      await using(`mysql://csync2:pass%40word@/local?host=${server.socket}`, (store) => store.apply([put('/a')]));
      await using(at('local'), async (store) => assert.deepEqual(await nameList(store), ['/a']));
    });

    test('a server without TLS is used, unless the URL insists', async () => {
      const [row] = (await query("SHOW VARIABLES LIKE 'have_ssl'")) as RowDataPacket[];
      if (row?.['Value'] === 'YES') await using(`${at('tls')}?sslmode=require`, async () => undefined);
      else await failsWith(openUrl(`${at('tls')}?sslmode=require`), 'OPEN', /secure connection|SSL/i);
      await using(`${at('tls')}?sslmode=disable`, async () => undefined);
    });

    test('an administrator who ends the connection is a lost connection', async () => {
      const store = await openUrl(at('ended'));
      const rows = (await query(
        "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = 'ended'",
      )) as RowDataPacket[];
      for (const row of rows) await query(`KILL ${Number(row['id'])}`);
      await failsWith(store.apply([put('/a')]), 'CONNECTION', /ended/);
      await store.close();
    });
  });
});
