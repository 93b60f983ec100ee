import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { displayName, locate, type Location, type ServerLocation } from '../../src/store/location.ts';
import { StoreError } from '../../src/store/store.ts';

const directories = ['/some/dir', 'rel', '/'];
const at = (database: string | undefined, host = 'alpha', config = ''): Location =>
  locate(database, host, config, (path) => directories.includes(path.replace(/(.)\/+$/, '$1')));

function server(database: string, host = 'alpha', config = ''): ServerLocation {
  const location = at(database, host, config);
  assert.ok(location.backend !== 'sqlite');
  return location;
}

describe('the location of an SQLite database', () => {
  const cases: readonly [string | undefined, string][] = [
    [undefined, '/var/lib/csync2/alpha.db3'],
    ['', '/var/lib/csync2/alpha.db3'],
    ['/some/dir', '/some/dir/alpha.db3'],
    ['/some/dir//', '/some/dir/alpha.db3'],
    ['/', '/alpha.db3'],
    ['/no/such', '/no/such/alpha.db3'],
    ['/no/such/x.db3', '/no/such/x.db3/alpha.db3'],
    ['rel', 'rel/alpha.db3'],
    ['rel/', 'rel/alpha.db3'],
    ['other', 'other'],
    ['sqlite:///no/x.db', '/no/x.db'],
    ['sqlite3:///no/x.db3', '/no/x.db3'],
    ['sqlite3:///no/such/', '/no/such'],
    ['sqlite3:///some/dir', '/some/dir/alpha.db3'],
    ['sqlite3:///some/dir/', '/some/dir/alpha.db3'],
    ['sqlite3://x.db3', 'x.db3'],
    ['sqlite3:///caf\xe9', '/caf\xe9'],
  ];
  for (const [database, path] of cases) {
    test(`${database ?? '(default)'} is ${path}`, () => {
      assert.deepEqual(at(database), { backend: 'sqlite', path });
    });
  }

  test('the name of the configuration is part of the file name', () => {
    assert.deepEqual(at('/some/dir', 'al.pha', 'foo'), { backend: 'sqlite', path: '/some/dir/al.pha_foo.db3' });
    assert.deepEqual(at('sqlite:///x.db3', 'al.pha', 'foo'), { backend: 'sqlite', path: '/x.db3' });
  });

  test('the disk tells what is a directory', () => {
    const directory = mkdtempSync(join(tmpdir(), 'store-'));
    mkdirSync(join(directory, 'sub'));
    assert.deepEqual(locate(`sqlite3://${directory}/sub`, 'h', ''), {
      backend: 'sqlite',
      path: `${directory}/sub/h.db3`,
    });
    assert.deepEqual(locate(`sqlite3://${directory}/sup`, 'h', ''), { backend: 'sqlite', path: `${directory}/sup` });
    rmSync(directory, { recursive: true });
  });
});

describe('the location of a server database', () => {
  const nothing = {
    host: undefined,
    port: undefined,
    socket: undefined,
    user: undefined,
    password: undefined,
    database: 'csync2_alpha',
    tls: 'prefer',
    tlsAuthority: undefined,
    tlsCertificate: undefined,
    tlsKey: undefined,
  } as const;
  const cases: readonly [string, Partial<ServerLocation>][] = [
    ['', {}],
    ['/', {}],
    ['/db', { database: 'db' }],
    ['h', { host: 'h' }],
    ['h/', { host: 'h' }],
    ['h:5/x', { host: 'h', port: 5, database: 'x' }],
    ['u@h/x', { user: 'u', host: 'h', database: 'x' }],
    ['u:p@h', { user: 'u', password: 'p', host: 'h' }],
    ['u:@h', { user: 'u', password: '', host: 'h' }],
    ['u:p:q/r?s@t@h:7/x', { user: 'u', password: 'p:q/r?s@t', host: 'h', port: 7, database: 'x' }],
    ['u%3a:p%40%2F%3f%25%e9@h/x%2dy', { user: 'u:', password: 'p@/?%\xe9', host: 'h', database: 'x-y' }],
    ['u:100%@h', { user: 'u', password: '100%', host: 'h' }],
    ['[::1]', { host: '::1' }],
    ['u:p@[fe80::1]:5/x', { user: 'u', password: 'p', host: 'fe80::1', port: 5, database: 'x' }],
    ['/x?host=/run/postgresql', { database: 'x', socket: '/run/postgresql' }],
    ['u@/x?host=%2Frun%2Fa%40b', { user: 'u', database: 'x', socket: '/run/a@b' }],
    ['/x?host=db1', { database: 'x', host: 'db1' }],
    ['/?socket=/run/my.sock', { socket: '/run/my.sock' }],
    [
      'h/x?sslmode=verify-full&sslrootcert=/ca&sslcert=/c&sslkey=/k',
      { host: 'h', database: 'x', tls: 'verify-full', tlsAuthority: '/ca', tlsCertificate: '/c', tlsKey: '/k' },
    ],
  ];
  for (const [rest, expected] of cases) {
    test(`pgsql://${rest} and mysql://${rest}`, () => {
      assert.deepEqual(server(`pgsql://${rest}`), { ...nothing, backend: 'postgres', ...expected });
      assert.deepEqual(server(`mysql://${rest}`), { ...nothing, backend: 'mysql', ...expected });
    });
  }

  test('the default database is named after host and configuration, in plain characters', () => {
    assert.equal(server('mysql://h', 'al-pha.x', 'foo').database, 'csync2_al_pha_x_foo');
    assert.equal(server('pgsql://h/', 'n\xe9', '').database, 'csync2_n_');
  });
});

describe('what is no location', () => {
  const cases: readonly [string, RegExp][] = [
    ['sqlite2:///var/lib/csync2/a.db', /SQLite 2 .*\/var\/lib\/csync2\/a\.db.*new one/],
    ['sqlite3://', /names no file/],
    ['sqlite3:/a', /three slashes/],
    ['oracle://u:secret@h/x', /Unknown database scheme: oracle:\/\//],
    ['SQLITE3:///x', /Unknown database scheme/],
    ['pgsql://u:secret@h:x/y', /Malformed/],
    ['pgsql://u:secret@h:99999/y', /Port 99999/],
    ['mysql://u:secret@h/y?sslmode=yes', /sslmode=yes/],
    ['mysql://u:secret@h/y?password=secret', /Unknown parameter/],
  ];
  for (const [database, message] of cases) {
    test(`${database} is refused without telling a password`, () => {
      assert.throws(
        () => at(database),
        (error: unknown) => {
          assert.ok(error instanceof StoreError);
          assert.equal(error.code, 'UNSUPPORTED');
          assert.match(error.message, message);
          assert.ok(!error.message.includes('secret'));
          return true;
        },
      );
    });
  }

  test('the name for display never holds a password', () => {
    assert.equal(displayName(at('pgsql://u:secret@[::1]:5/x')), 'pgsql://u@[::1]:5/x');
    assert.equal(displayName(at('mysql://u:secret@/x?host=/run/m.sock')), 'mysql://u@/x?host=/run/m.sock');
    assert.equal(displayName(at('mysql://')), 'mysql:///csync2_alpha');
    assert.equal(displayName(at('/some/dir')), 'sqlite3:///some/dir/alpha.db3');
  });
});
