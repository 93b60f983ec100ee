import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { Client } from 'pg';

import { storeContract } from './contract.ts';
import { Oracle, oracleMissing } from './oracle.ts';
import { enc, mark, nameList, put } from './rows.ts';
import { postgresMissing, startPostgres, type Server } from './servers.ts';
import { failsWith, openUrl, serverTests, turnTests, using } from './serverTests.ts';

describe('PostgreSQL', { skip: postgresMissing }, () => {
  let server: Server;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());

  const at = (database: string, port = server.port): string =>
    `pgsql://postgres:pass%40word@127.0.0.1:${port}/${database}`;

  async function connected(database: string): Promise<Client> {
    const client = new Client({
      host: '127.0.0.1',
      port: server.port,
      user: 'postgres',
      password: 'pass@word',
      database,
    });
    await client.connect();
    return client;
  }

  async function query<Row>(database: string, sql: string): Promise<Row[]> {
    const client = await connected(database);
    try {
      return (await client.query<Row[]>({ text: sql, rowMode: 'array' })).rows as Row[];
    } finally {
      await client.end();
    }
  }

  /** A collation as far from byte order as the server has one. */
  async function dictionary(): Promise<string> {
    const versions = await query<[string]>('postgres', 'SHOW server_version_num');
    const collations = await query('postgres', "SELECT 1 FROM pg_collation WHERE collprovider = 'i' LIMIT 1");
    const hasIcu = Number(versions[0]?.[0]) >= 150000 && collations.length > 0;
    return hasIcu ? "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" : '';
  }

  for (const encoding of ['SQL_ASCII', 'UTF8'] as const) {
    describe(`the contract, in ${encoding}`, () => {
      const database = `contract_${encoding.toLowerCase()}`;
      before(async () => {
        if (encoding !== 'SQL_ASCII')
          await query(
            'postgres',
            `CREATE DATABASE ${database} ENCODING '${encoding}' TEMPLATE template0 ${await dictionary()}`,
          );
        await (await openUrl(at(database))).close();
      });
      const reset = async (): Promise<void> => {
        await query(
          database,
          'DELETE FROM file; DELETE FROM dirty; DELETE FROM hint; DELETE FROM action; DELETE FROM x509_cert; DELETE FROM contact; DELETE FROM unfinished; DELETE FROM marked; DELETE FROM mounted; DELETE FROM young',
        );
      };
      storeContract(() => openUrl(at(database)), reset, { pages: 20_000, batch: 5000 });
    });
  }

  serverTests(
    at,
    () => server.port,
    async (database) => {
      const client = await connected(database);
      await client.query("BEGIN; UPDATE file SET checktxt = 'foreign' WHERE filename = '/held'");
      return async () => {
        await client.query('COMMIT');
        await client.end();
      };
    },
  );

  describe('with the C program', () => {
    // It does not decode the URL's password, and knows nothing of parameters.
    const trusted = (database: string): string => `pgsql://plain:plain@127.0.0.1:${server.port}/${database}`;
    before(() => query('postgres', "CREATE ROLE plain SUPERUSER LOGIN PASSWORD 'plain'"));

    turnTests(trusted, async () => undefined, ['a', 'A', "b' %$:|\\", 'caf\xc3\xa9', '\xd0\x9f']);

    test('both make the same tables', { skip: oracleMissing }, async () => {
      const oracle = new Oracle();
      await oracle.run(trusted('theirs'), '-L');
      oracle.remove();
      await using(trusted('ours'), async () => undefined);
      const own = "('contact', 'marked', 'mounted', 'unfinished', 'young')";
      const columns = `SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
                       WHERE table_schema = 'public' AND table_name NOT IN ${own} ORDER BY 1, 2`;
      const indexes = `SELECT indexname, indexdef FROM pg_indexes
                       WHERE schemaname = 'public' AND tablename NOT IN ${own} ORDER BY 1`;
      for (const sql of [columns, indexes]) assert.deepEqual(await query('ours', sql), await query('theirs', sql));
    });

    test('names that are not UTF-8 are shared in a database that we made', { skip: oracleMissing }, async () => {
      const oracle = new Oracle();
      await using(trusted('bytes'), (store) => store.apply([put(`${oracle.data}/\xe9`), mark(`${oracle.data}/\xe9`)]));
      oracle.write('caf\xe9');
      assert.equal((await oracle.run(trusted('bytes'), '-cr', oracle.data)).code, 0);
      await using(trusted('bytes'), async (store) => {
        assert.deepEqual(await nameList(store), oracle.encoded('', 'caf\xe9'));
        assert.deepEqual([...(await store.dirtyAmong(oracle.encoded('\xe9')))], oracle.encoded('\xe9'));
      });
      oracle.remove();
    });
  });

  describe('connections', () => {
    test('the local socket is used when the URL names its directory', async () => {
      const url = `pgsql://postgres:pass%40word@:${server.port}/local?host=${server.socket}`;
      await using(url, (store) => store.apply([put('/a')]));
      assert.deepEqual(await query('local', 'SELECT filename FROM file'), [['/a']]);
    });

    test('TLS is used when offered, and checked as far as the URL asks', async () => {
      const authority = `sslrootcert=${join(server.directory, 'server.crt')}`;
      const localhost = at('tls').replace('127.0.0.1', 'localhost');
      for (const url of [at('tls'), `${at('tls')}?sslmode=require`, `${localhost}?sslmode=verify-full&${authority}`]) {
        await using(url, async () => {
          const rows = await query<[boolean]>(
            'postgres',
            "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = 'tls'",
          );
          assert.deepEqual(rows, [[true]], url);
        });
      }
      await using(`${at('tls')}?sslmode=verify-ca&${authority}`, async () => undefined);
      await failsWith(openUrl(`${at('tls')}?sslmode=verify-full&${authority}`), 'OPEN', /altnames|IP/);
      await failsWith(openUrl(`${at('tls')}?sslmode=verify-ca`), 'OPEN', /self-signed/);
    });

    test('a server without TLS is used all the same, unless the URL insists', async () => {
      await query('postgres', 'ALTER SYSTEM SET ssl = off; ');
      await query('postgres', 'SELECT pg_reload_conf()');
      const isOff = async (): Promise<boolean> => (await query<[string]>('postgres', 'SHOW ssl'))[0]?.[0] === 'off';
      for (let patience = 600; !(await isOff()) && patience > 0; patience--) await pause(50);
      await using(at('plain'), (store) => store.apply([put('/a')]));
      await failsWith(openUrl(`${at('plain')}?sslmode=require`), 'OPEN', /does not support SSL/);
    });

    test('a database in an encoding that cannot hold file names is refused', async () => {
      await query('postgres', "CREATE DATABASE euc ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
      await failsWith(openUrl(at('euc')), 'UNSUPPORTED', /EUC_JP.*SQL_ASCII/);
    });

    test('an administrator who ends the connection is a lost connection', async () => {
      const store = await openUrl(at('ended'));
      await query('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ended'");
      await failsWith(store.apply([put('/a')]), 'CONNECTION', /ended/);
      await failsWith(store.fileRows([enc('/a')]), 'CONNECTION', /ended/);
      await store.close();
    });
  });
});
