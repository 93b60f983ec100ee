import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { createConnection } from 'mysql2/promise';

import { put } from './rows.ts';
import { mysqlMissing, type Server, startMysql } from './servers.ts';
import { failsWith, openUrl, using } from './serverTests.ts';

describe('TLS to MySQL', { skip: mysqlMissing }, () => {
  let server: Server;
  let certificates: string;
  before(async () => {
    server = await startMysql({ tls: true });
    certificates = join(dirname(dirname(server.directory)), 'certificates');
    const connection = await createConnection({
      socketPath: server.socket,
      user: 'csync2',
      password: 'pass@word',
      multipleStatements: true,
    });
    await connection.query(`
      CREATE USER 'careful'@'127.0.0.1' IDENTIFIED BY 'pass@word' REQUIRE SSL;
      CREATE USER 'known'@'127.0.0.1' IDENTIFIED BY 'pass@word' REQUIRE X509;
      GRANT ALL ON *.* TO 'careful'@'127.0.0.1'; GRANT ALL ON *.* TO 'known'@'127.0.0.1'`);
    await connection.end();
  });
  after(() => server.stop());

  const at = (parameters: string, user = 'careful', host = '127.0.0.1'): string =>
    `mysql://${user}:pass%40word@${host}:${server.port}/tls${parameters}`;
  const authority = (): string => `sslrootcert=${join(certificates, 'authority.pem')}`;

  test('it is used when the server offers it, also unasked, and not when the URL forbids it', async () => {
    for (const parameters of ['', '?sslmode=prefer', '?sslmode=require']) {
      await using(at(parameters), (store) => store.apply([put('/a')]));
    }
    await failsWith(openUrl(at('?sslmode=disable')), 'OPEN', /tls: .*Access denied/);
  });

  test('verify-ca wants a certificate of the authority', async () => {
    await using(at(`?sslmode=verify-ca&${authority()}`), (store) => store.apply([put('/b')]));
    await failsWith(openUrl(at('?sslmode=verify-ca')), 'OPEN', /certificate/);
    await failsWith(
      openUrl(at(`?sslmode=verify-ca&sslrootcert=${join(certificates, 'client.pem')}`)),
      'OPEN',
      /certificate/,
    );
  });

  test('verify-full also wants it to name the server as the URL does', async () => {
    await using(at(`?sslmode=verify-full&${authority()}`, 'careful', 'localhost'), (store) => store.apply([put('/c')]));
    const other = `sslrootcert=${join(certificates, 'authority.pem')}`;
    await failsWith(openUrl(at(`?sslmode=verify-full&${other}`, 'careful', '127.1')), 'OPEN', /altnames|match/);
    await failsWith(openUrl(at(`?sslmode=verify-full&${authority()}`)), 'UNSUPPORTED', /name instead of its address/);
  });

  test('sslcert and sslkey are what the server gets to see', async () => {
    await failsWith(openUrl(at('?sslmode=require', 'known')), 'OPEN', /Access denied/);
    const own = `sslcert=${join(certificates, 'client.pem')}&sslkey=${join(certificates, 'client.key')}`;
    await using(at(`?sslmode=verify-ca&${authority()}&${own}`, 'known'), (store) => store.apply([put('/d')]));
  });

  test('a file that is not there is named', async () => {
    await failsWith(openUrl(at('?sslmode=verify-ca&sslrootcert=/nowhere.pem')), 'CONNECTION', /\/nowhere\.pem/);
  });
});
