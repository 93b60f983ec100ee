import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import Database from 'better-sqlite3';

import { encode } from '../../src/bytes/urlEncoding.ts';
import { openStore } from '../../src/store/open.ts';
import { connect } from '../../src/store/sqlite/database.ts';
import { openSqlite } from '../../src/store/sqlite/sqlite.ts';
import { allNames, below, exactly, StoreError, type Store } from '../../src/store/store.ts';
import { clear, dirtyList, enc, fileList, mark, nameList, put } from './rows.ts';
import { Oracle, oracleMissing, run } from './oracle.ts';

const options = { lockTimeout: 5, unsafe: false, smallTransactions: false };
const directory = mkdtempSync(join(tmpdir(), 'store-'));
after(() => rmSync(directory, { recursive: true }));
let count = 0;
const fresh = (): string => join(directory, `${count++}.db3`);

async function using(path: string, body: (store: Store) => Promise<void>): Promise<void> {
  const store = openSqlite(path, options);
  try {
    await body(store);
  } finally {
    await store.close();
  }
}

function failsToOpen(path: string, reason: RegExp): void {
  assert.throws(
    () => openSqlite(path, options),
    (error: unknown) => {
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, 'OPEN');
      assert.ok(error.message.includes(path), error.message);
      assert.match(error.message, reason);
      return true;
    },
  );
}

describe('opening an SQLite database', () => {
  test('what cannot be one is refused with its path and the reason', () => {
    failsToOpen(join(directory, 'none/x.db3'), /directory .*none does not exist/);
    failsToOpen(directory, /is a directory/);
    const text = fresh();
    writeFileSync(text, 'this is not a database, but it is long enough to look like one\n'.repeat(100));
    failsToOpen(text, /not an SQLite 3 database/);
    failsToOpen('/dev/null/x.db3', /\/dev\/null does not exist|not a directory/i);
    const others = fresh();
    const connection = new Database(others);
    connection.exec('CREATE TABLE file (path, owner)');
    connection.close();
    failsToOpen(others, /no such column: filename/);
  });

  test('a damaged database is an error, not a crash', async () => {
    const path = fresh();
    await using(path, (store) => store.apply(Array.from({ length: 2000 }, (_, at) => put(`/${at}`, 'x'.repeat(200)))));
    const connection = new Database(path);
    connection.pragma('journal_mode = DELETE');
    connection.close();
    const { readFileSync } = await import('node:fs');
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 8192, 300_000);
    writeFileSync(path, bytes);
    await assert.rejects(
      using(path, async (store) => {
        await fileList(store);
      }),
      (error: unknown) => error instanceof StoreError && (error.code === 'READ' || error.code === 'OPEN'),
    );
  });

  test('what may not be read or reached is refused', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('skipped: needs root to become somebody else');
    const path = fresh();
    await using(path, (store) => store.apply([put('/a')]));
    chmodSync(path, 0o444);
    chmodSync(directory, 0o755);
    mkdirSync(join(directory, 'closed'), { mode: 0o700 });
    const paths = [path, join(directory, 'closed/x.db3'), join(directory, 'closed/none/x.db3')];
    // Somebody else may not be able to read this clone: everything is loaded by then.
    const room = new URL('../../src/store/', import.meta.url).href;
    const script = `
      Promise.all([import('${room}sqlite/sqlite.ts'), import('${room}location.ts')]).then(async ([s, l]) => {
        const open = (path) => s.openSqlite(l.locate('sqlite3://' + path, 'h', '').path, ${JSON.stringify(options)});
        await open('${path}').close();
        process.setuid(65534);
        for (const path of ${JSON.stringify(paths)}) {
          try { open(path); } catch (e) { console.log(e.code, e.message); }
        }
      })`;
    const outcome = await run(process.execPath, ['--import', 'tsx', '-e', script]);
    const why = 'no permission to read and write it, or to enter a directory on the way';
    assert.equal(
      outcome.stdout,
      paths.map((path) => `OPEN Can't open database ${path}: ${why}\n`).join(''),
      outcome.stderr,
    );
  });

  test('openStore opens the file of a location', async () => {
    const path = fresh();
    const store = await openStore({ backend: 'sqlite', path }, options);
    await store.apply([put('/a')]);
    await store.close();
    await using(path, async (again) => assert.deepEqual(await nameList(again), ['/a']));
    await assert.rejects(openStore({ backend: 'sqlite', path: '/tmp/\xe9.db3' }, options), /must be UTF-8/);
  });
});

test('a relative path leads to the same files wherever the current directory is later', async (t) => {
  const before = process.cwd();
  t.after(() => process.chdir(before));
  const elsewhere = join(directory, 'elsewhere');
  mkdirSync(elsewhere);
  symlinkSync('caf\u00e9.db3-wal', join(elsewhere, 'caf\u00e9.db3-wal'));
  process.chdir(directory);
  await using('caf\u00e9.db3', async (store) => {
    process.chdir(elsewhere);
    await store.apply([put('/a', 'v1:x')]);
    await store.flush();
    assert.ok((await store.size()) >= 4096);
  });
});

test('SQLite waits for the disk where a power cut could damage the database, unless nobody wants that', () => {
  for (const [unsafe, synchronous] of [
    [false, 1],
    [true, 0],
  ] as const) {
    const connection = connect(fresh(), { ...options, unsafe });
    assert.equal(connection.prepare('PRAGMA synchronous').pluck().get(), synchronous);
    connection.close();
  }
});

describe('locks', () => {
  test('a database that stays locked fails with LOCKED after the time that was given', async () => {
    const path = fresh();
    const store = openSqlite(path, { ...options, lockTimeout: 0.3 });
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const start = performance.now();
    await assert.rejects(store.apply([put('/a')]), (error: unknown) => {
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, 'LOCKED');
      assert.match(error.message, /locked by another process/);
      return true;
    });
    assert.ok(performance.now() - start < 3000);
    other.exec('COMMIT');
    other.close();
    await store.apply([put('/b')]);
    assert.deepEqual(await nameList(store), ['/b']);
    await store.close();
  });

  test('batches wait for the lock in their order, and reads and timers go on meanwhile', async () => {
    const path = fresh();
    const store = openSqlite(path, options);
    const other = new Database(path);
    other.exec("BEGIN IMMEDIATE; INSERT INTO file VALUES ('/other', 'x')");
    const writes = Array.from({ length: 5 }, (_, at) => store.apply([put('/a', `${at}`)]));
    await pause(150);
    assert.deepEqual(await nameList(store), []);
    other.exec('COMMIT');
    other.close();
    await Promise.all(writes);
    assert.deepEqual(await fileList(store), [
      ['/a', '4'],
      ['/other', 'x'],
    ]);
    await store.close();
  });

  test('close waits for batches that wait', async () => {
    const path = fresh();
    const store = openSqlite(path, options);
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const write = store.apply([put('/late')]);
    setTimeout(() => other.exec('COMMIT'), 100);
    await store.close();
    await write;
    other.close();
    await using(path, async (again) => assert.deepEqual(await nameList(again), ['/late']));
  });

  test('two processes writing at once lose nothing', async () => {
    const path = fresh();
    const writer = new URL('writer.ts', import.meta.url).pathname;
    const write = (prefix: string) => run(process.execPath, ['--import', 'tsx', writer, path, prefix, '40', '50']);
    const outcomes = await Promise.all([write('/p'), write('/q')]);
    for (const outcome of outcomes) assert.equal(outcome.code, 0, outcome.stderr);
    await using(path, async (store) => {
      assert.equal((await nameList(store)).length, 2 * 40 * 50);
      assert.equal((await dirtyList(store)).length, 2 * 40 * 50);
    });
  });
});

describe('rows that somebody else wrote', () => {
  test('flags may be missing, numbers or text', async () => {
    const path = fresh();
    await using(path, async (store) => {
      const other = new Database(path);
      other.exec(`INSERT INTO dirty VALUES ('/a', NULL, 'me', 'p'), ('/b', '0', 'me', 'p'), ('/c', 0, NULL, 'p'),
                  ('/d', '1', 'me', 'p'), ('/e', 1, 'me', 'p'), ('/f', 1.0, 'me', 'p'), (NULL, 1, 'me', 'p'), ('/g', 1, 'me', NULL);
                  INSERT INTO hint VALUES ('/a', NULL), ('/b', '0'), ('/c', '1'), ('/d', 1), (NULL, 1);
                  INSERT INTO action VALUES ('/a', 'c', NULL); INSERT INTO file VALUES ('/a', NULL);`);
      other.close();
      assert.deepEqual(
        (await dirtyList(store)).map((row) => [row.name, row.forced, row.myname, row.checktxt]),
        [
          ['/a', false, 'me', ''],
          ['/b', false, 'me', undefined],
          ['/c', false, '', undefined],
          ['/d', true, 'me', undefined],
          ['/e', true, 'me', undefined],
          ['/f', true, 'me', undefined],
        ],
      );
      assert.deepEqual(
        (await store.hints()).map((hint) => hint.recursive),
        [false, false, true, true],
      );
      await store.apply(
        ['/a', '/b', '/c', '/d'].map((name, at) => ({ type: 'dropHint', name: enc(name), recursive: at > 1 })),
      );
      assert.deepEqual(await store.hints(), []);
      assert.deepEqual(await store.actions(), [{ name: '/a', command: 'c', logfile: '' }]);
      await store.apply([{ type: 'dropAction', name: enc('/a'), command: enc('c'), logfile: enc('') }]);
      assert.deepEqual(await store.actions(), []);
    });
  });

  test('what we write is text of the very bytes, also beyond ASCII', async () => {
    const path = fresh();
    await using(path, (store) => store.apply([put('/\xe9', 'v\xff'), mark('/\xe9')]));
    const other = new Database(path);
    assert.deepEqual(
      other.prepare('SELECT hex(filename), typeof(filename), hex(checktxt), typeof(checktxt) FROM file').raw().get(),
      ['2FE9', 'text', '76FF', 'text'],
    );
    assert.deepEqual(other.prepare('SELECT typeof(forced), typeof(peername) FROM dirty').raw().get(), [
      'integer',
      'text',
    ]);
    other.close();
  });

  test('a row that is not URL-encoded is reported', async () => {
    const path = fresh();
    await using(path, async (store) => {
      const other = new Database(path);
      other.exec("INSERT INTO file VALUES ('/a', 'x' || char(10) || 'y')");
      other.close();
      await assert.rejects(fileList(store), /not URL-encoded/);
    });
  });
});

describe('with the C program', { skip: oracleMissing }, () => {
  const oracle = oracleMissing === false ? new Oracle() : undefined;
  after(() => oracle?.remove());
  const { data, top } = oracle ?? { data: '', top: '' };
  const c = (...args: string[]) => (oracle as Oracle).run(`sqlite3://${path}`, ...args);
  const path = join(top, 'turns.db3');
  const write = (name: string, content = 'x'): void => writeFileSync(Buffer.from(join(data, name), 'latin1'), content);

  test('both make the same tables', async () => {
    const theirs = join(top, 'theirs.db3');
    const ours = join(top, 'ours.db3');
    await (oracle as Oracle).run(`sqlite3://${theirs}`, '-L');
    await using(ours, async () => undefined);
    const schema = (file: string): unknown[] => {
      const connection = new Database(file);
      // These tables are ours alone.
      const others =
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE tbl_name NOT IN ('contact', 'marked', 'mounted', 'unfinished', 'young') ORDER BY name";
      const rows = connection.prepare(others).raw().all();
      connection.close();
      return rows;
    };
    assert.deepEqual(schema(ours), schema(theirs));
  });

  test('one after the other on one file, nothing is lost', async () => {
    for (const name of ['a', "b' %$:|\\", 'caf\xe9', 'caf\xc3\xa9']) write(name);
    assert.equal((await c('-cr', '/')).code, 0);
    const names = ['', '/a', "/b' %$:|\\", '/caf\xe9', '/caf\xc3\xa9'].map((name) => encode(data + name));
    await using(path, async (store) => {
      assert.deepEqual(await nameList(store), [...names].sort());
      assert.deepEqual(
        (await dirtyList(store)).map((row) => row.name),
        [...names].sort(),
      );
      assert.equal((await store.fileRows(names)).size, names.length);
      await store.apply(names.slice(0, 3).map((name) => clear(name, 'beta')));
      await store.apply([put(`${data}/ours%20\xe9`, 'v1%3Aours'), mark(`${data}/ours%20\xe9`, 'beta', true)]);
      await store.apply([{ type: 'putHint', name: enc(data), recursive: true }]);
    });
    const listed = await c('-L');
    assert.match(listed.stdout, new RegExp(`v1:ours\\t${data}/ours \xe9\\n`));
    const dirty = await c('-M');
    assert.deepEqual(
      dirty.stdout.split('\n').filter((line) => line !== ''),
      [
        `chary\talpha\tbeta\t${data}/caf\xc3\xa9`,
        `chary\talpha\tbeta\t${data}/caf\xe9`,
        `force\talpha\tbeta\t${data}/ours \xe9`,
      ],
    );
    write('later');
    assert.equal((await c('-c')).code, 0);
    await using(path, async (store) => {
      const found = await nameList(store);
      assert.ok(found.includes(`${data}/later`));
      assert.ok(!found.includes(`${data}/ours%20\xe9`));
      assert.deepEqual(await store.hints(), []);
      assert.deepEqual(
        (await dirtyList(store)).filter((row) => row.checktxt === undefined).map((row) => row.name),
        [`${data}/ours%20\xe9`],
      );
    });
  });

  test('both at the same time, nothing is lost', async () => {
    mkdirSync(join(data, 'many'));
    for (let at = 0; at < 400; at++) write(`many/${at}`);
    const store = openSqlite(path, { ...options, lockTimeout: 20 });
    const checks = [c('-cr', join(data, 'many')), c('-cr', join(data, 'many'))];
    for (let batch = 0; batch < 100; batch++) {
      await store.apply(Array.from({ length: 20 }, (_, at) => put(`/elsewhere/${batch}/${at}`)));
      await pause(3);
    }
    for (const outcome of await Promise.all(checks)) assert.equal(outcome.code, 0, outcome.stderr);
    const names = await nameList(store);
    assert.equal(names.filter((name) => name.startsWith('/elsewhere/')).length, 2000);
    assert.equal(names.filter((name) => name.startsWith(`${data}/many/`)).length, 400);
    await store.close();
    assert.equal((await c('-L')).code, 0);
  });
});

test('a name is found so many rows after the beginning of a range, and inside it', async () => {
  await using(fresh(), async (store) => {
    assert.equal(await store.nameAfter(allNames, 0), undefined);
    const names = Array.from({ length: 40 }, (_, at) => `/d/${String(at).padStart(2, '0')}\xe9`);
    await store.apply([...names, '/c', '/e', '/\xff'].map((name) => put(name)));
    const range = below(enc('/d'));
    assert.equal(await store.nameAfter(range, 7), enc(names[7] as string));
    assert.equal(await store.nameAfter(range, 40), undefined);
    assert.equal(await store.nameAfter(exactly(enc('/e')), 1), undefined);
  });
});
