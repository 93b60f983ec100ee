import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import type { Encoded } from '../../src/bytes/bytes.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';
import {
  allNames,
  below,
  exactly,
  type Change,
  type DirtyQuery,
  type DirtyRow,
  type NameRange,
  type Store,
} from '../../src/store/store.ts';
import { generator, Model, randomChange } from './model.ts';

export const enc = (text: string): Encoded => text as Encoded;

export const put = (name: string, checktxt = 'v1'): Change => ({
  type: 'putFile',
  name: enc(name),
  checktxt: enc(checktxt),
});

export const mark = (name: string, peer = 'beta', forced = false): Change => ({
  type: 'markDirty',
  name: enc(name),
  peer: enc(peer),
  myname: enc('alpha'),
  forced,
});

export const clear = (name: string, peer: string, ifFile?: string | null): Change => ({
  type: 'clearDirty',
  name: enc(name),
  peer: enc(peer),
  ...(ifFile === undefined ? {} : { ifFile: ifFile === null ? null : enc(ifFile) }),
});

/** All file rows of a range as [name, checktxt] pairs. */
export async function fileList(store: Store, range: NameRange = allNames): Promise<[string, string][]> {
  const rows: [string, string][] = [];
  for await (const page of store.files(range)) {
    assert.equal(page.names.length, page.checktxts.length);
    page.names.forEach((name, at) => rows.push([name, page.checktxts[at] as string]));
  }
  return rows;
}

export async function nameList(store: Store, range: NameRange = allNames): Promise<string[]> {
  return (await fileList(store, range)).map(([name]) => name);
}

export async function dirtyList(store: Store, query: DirtyQuery = {}): Promise<DirtyRow[]> {
  const rows: DirtyRow[] = [];
  for await (const page of store.dirty(query)) rows.push(...page);
  return rows;
}

async function dirtyKeys(store: Store, query: DirtyQuery = {}): Promise<string[]> {
  return (await dirtyList(store, query)).map((row) => `${row.name} ${row.peer}`);
}

/** 4,000 bytes that no compression shortens much. */
function longName(seed: number): string {
  let state = seed;
  let name = '/r/';
  while (name.length < 4000) {
    state = (state * 1103515245 + 12345) % 2147483648;
    name += String.fromCharCode(0x30 + ((state >> 16) % 10), 0x61 + ((state >> 20) % 26), 0x80 + ((state >> 12) % 128));
  }
  return name;
}

/** Names that a text comparison, a collation, a padded comparison or a short index would confuse or put in another order. */
const trickyNames: readonly string[] = [
  '/',
  '/a',
  '/A',
  '/a!',
  '/a-b',
  '/a.txt',
  '/a/x',
  '/a0',
  '/ab',
  '/B',
  '/b',
  '/a%20',
  '/a%20%20',
  '/a%0A',
  '/_',
  '/%5C',
  '/caf\xe9',
  '/caf\xc3\xa9',
  '/cafe',
  '/cafe\xcc\x81',
  '/stra\xc3\x9fe',
  '/strasse',
  '/\xff\xfe',
  '/\x80',
  '/\xc3',
  '/\xc3\xa9\xe9',
  '/\xed\xa0\x80',
  '/\xf0\x9f\x98\x80',
  '/\xef\xbf\xbd',
  '/long' + 'x'.repeat(4000),
  '/long' + 'x'.repeat(4000) + '1',
  '/long' + 'x'.repeat(4000) + '2',
  '/long' + 'x'.repeat(3994) + '\xe9',
  longName(1),
  longName(2) + 'a',
  longName(2) + 'A',
  '%25home%25/bob',
  '%25home%25',
];

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Rows in the tests of more than one page, and in those of large batches. */
export const contractSize = { pages: 40_000, batch: 50_000 };

/**
 * What every back end must do. `open` gives a handle on one and the same database each time it is called during a test;
 * `reset` makes the next one empty.
 */
export function storeContract(open: () => Promise<Store>, reset: () => Promise<void>, size = contractSize): void {
  const onStore = (name: string, body: (store: Store) => Promise<void>): void => {
    test(name, async () => {
      await reset();
      const store = await open();
      try {
        await body(store);
      } finally {
        await store.close();
      }
    });
  };

  describe('file rows', () => {
    onStore('an empty database has no rows of any kind', async (store) => {
      assert.deepEqual(await fileList(store), []);
      assert.deepEqual(await dirtyList(store), []);
      assert.deepEqual(await store.dirtyPeers(), []);
      assert.deepEqual(await store.hints(), []);
      assert.deepEqual(await store.actions(), []);
      assert.deepEqual(await store.certificates(), []);
      assert.deepEqual(await store.fileRows([]), new Map());
      await store.apply([]);
      await store.flush();
    });

    onStore('names come back byte for byte, in byte order', async (store) => {
      await store.apply(trickyNames.map((name, at) => put(name, `v1%3A${at}`)));
      const expected = trickyNames.map((name, at) => [name, `v1%3A${at}`] as [string, string]);
      expected.sort((a, b) => byBytes(a[0], b[0]));
      assert.deepEqual(await fileList(store), expected);
    });

    onStore('every name is found by itself and only by itself', async (store) => {
      await store.apply(trickyNames.map((name, at) => put(name, `${at}`)));
      for (const [at, name] of trickyNames.entries()) {
        assert.deepEqual(await fileList(store, exactly(enc(name))), [[name, `${at}`]]);
      }
      const rows = await store.fileRows([...trickyNames, '/A!', '/a ', '/none', '/\x81'].map(enc));
      assert.deepEqual([...rows].sort(), trickyNames.map((name, at) => [enc(name), enc(`${at}`)] as const).sort());
    });

    onStore('a name can be replaced and dropped without touching its neighbours', async (store) => {
      await store.apply(trickyNames.map((name) => put(name, 'old')));
      for (const name of trickyNames) {
        await store.apply([put(name, 'new')]);
        const rows = await fileList(store);
        assert.deepEqual(
          rows.filter(([, checktxt]) => checktxt === 'new'),
          [[name, 'new']],
        );
        await store.apply([{ type: 'dropFile', name: enc(name) }]);
        assert.equal((await nameList(store)).length, trickyNames.length - 1);
        await store.apply([put(name, 'old')]);
      }
    });

    onStore('every byte that a name may hold survives, in names and in checktxts', async (store) => {
      const all = encode(String.fromCharCode(...Array.from({ length: 255 }, (_, at) => at + 1)));
      const names = Array.from({ length: 255 }, (_, at) => encode(`/x${String.fromCharCode(at + 1)}`));
      await store.apply([put(all, all), ...names.map((name) => put(name, encode(name)))]);
      assert.deepEqual(await store.fileRows([all]), new Map([[all, all]]));
      assert.deepEqual(await nameList(store, below(enc('/x'))), ['/x/']);
      assert.deepEqual(await nameList(store), [all as string, ...names].sort(byBytes));
      assert.deepEqual(await store.fileRows(names), new Map(names.map((name) => [name, encode(name)])));
    });

    onStore('below() is what is under a directory, and all that starts with a slash for the root', async (store) => {
      await store.apply(trickyNames.map((name) => put(name)));
      const startingWith = (start: string): string[] =>
        trickyNames.filter((name) => name.startsWith(start)).sort(byBytes);
      assert.deepEqual(await nameList(store, below(enc('/'))), startingWith('/'));
      assert.deepEqual(await nameList(store, below(enc('/a'))), ['/a/x']);
      assert.deepEqual(await nameList(store, below(enc('%25home%25'))), ['%25home%25/bob']);
      assert.deepEqual(await nameList(store, below(enc('/caf\xe9'))), []);
    });

    onStore('a range is half open and may have no upper bound, whatever its bounds are', async (store) => {
      await store.apply(trickyNames.map((name) => put(name)));
      const sorted = [...trickyNames].sort(byBytes);
      for (const [at, from] of sorted.entries()) {
        assert.deepEqual(await nameList(store, { from }), sorted.slice(at));
        const to = sorted[(at * 7 + 3) % sorted.length] as string;
        const expected = sorted.filter((name) => name >= from && name < to);
        assert.deepEqual(await nameList(store, { from, to }), expected);
      }
      assert.deepEqual(await nameList(store, { from: '/\xc3', to: '/\xc3\xff' }), ['/\xc3', '/\xc3\xa9\xe9']);
    });

    onStore('more rows than a page holds come out once each and in order', async (store) => {
      const count = size.pages;
      const names = Array.from({ length: count }, (_, at) => `/d/${String(at % 977).padStart(3, '0')}\xe9/${at}`);
      await store.apply(names.map((name) => put(name, name)));
      const sorted = [...names].sort(byBytes);
      assert.deepEqual(
        await fileList(store),
        sorted.map((name) => [name, name]),
      );
      const asked = names.filter((_, at) => at % 10 === 0).map(enc);
      assert.equal((await store.fileRows(asked)).size, asked.length);
    });

    onStore('changes may be applied while a range is read', async (store) => {
      const names = Array.from({ length: size.pages / 2 }, (_, at) => `/f/${String(at).padStart(6, '0')}`);
      await store.apply(names.map((name) => put(name, 'old')));
      const seen: string[] = [];
      for await (const page of store.files(allNames)) {
        seen.push(...page.names);
        await store.apply(page.names.map((name) => put(name, 'new')));
        await store.apply([{ type: 'dropFile', name: page.names[0] as Encoded }]);
      }
      assert.deepEqual(seen, names);
      assert.ok((await fileList(store)).every(([, checktxt]) => checktxt === 'new'));
    });
  });

  describe('dirty rows', () => {
    onStore('are ordered by name, then peer; descending turns the names round only', async (store) => {
      const peers = ['gamma', 'beta', 'Beta'];
      await store.apply(trickyNames.flatMap((name) => peers.map((peer) => mark(name, peer))));
      const sorted = [...trickyNames].sort(byBytes);
      const keys = (names: readonly string[]): string[] =>
        names.flatMap((name) => ['Beta', 'beta', 'gamma'].map((peer) => `${name} ${peer}`));
      assert.deepEqual(await dirtyKeys(store), keys(sorted));
      assert.deepEqual(await dirtyKeys(store, { descending: true }), keys([...sorted].reverse()));
      assert.deepEqual(await store.dirtyPeers(), ['Beta', 'beta', 'gamma']);
      assert.deepEqual(
        await dirtyKeys(store, { peer: enc('beta'), descending: true }),
        [...sorted].reverse().map((name) => `${name} beta`),
      );
    });

    onStore('can be asked for by range, in both directions', async (store) => {
      await store.apply(trickyNames.map((name) => mark(name)));
      const sorted = [...trickyNames].sort(byBytes);
      for (const [at, from] of sorted.entries()) {
        const to = sorted[(at * 5 + 2) % sorted.length] as string;
        const expected = sorted.filter((name) => name >= from && name < to).map((name) => `${name} beta`);
        assert.deepEqual(await dirtyKeys(store, { range: { from, to } }), expected);
        assert.deepEqual(await dirtyKeys(store, { range: { from, to }, descending: true }), expected.reverse());
      }
      assert.deepEqual(await dirtyKeys(store, { range: exactly(enc('/a')) }), ['/a beta']);
      assert.deepEqual(await dirtyKeys(store, { range: below(enc('/a')) }), ['/a/x beta']);
    });

    onStore('carry all their fields and the file row of the same name', async (store) => {
      await store.apply([put('/a', 'v1%3Aa'), put('/e', ''), mark('/a'), mark('/e'), mark('/gone', 'gamma', true)]);
      assert.deepEqual(await dirtyList(store), [
        { name: '/a', forced: false, myname: 'alpha', peer: 'beta', checktxt: 'v1%3Aa' },
        { name: '/e', forced: false, myname: 'alpha', peer: 'beta', checktxt: '' },
        { name: '/gone', forced: true, myname: 'alpha', peer: 'gamma', checktxt: undefined },
      ]);
    });

    onStore('more than a page holds come out once each, in both directions', async (store) => {
      const names = Array.from({ length: size.pages / 4 }, (_, at) => `/d/${String(at).padStart(6, '0')}\xff`);
      await store.apply(names.flatMap((name) => [mark(name, 'beta'), mark(name, 'gamma')]));
      const keys = names.flatMap((name) => [`${name} beta`, `${name} gamma`]);
      assert.deepEqual(await dirtyKeys(store), keys);
      const backwards = [...names].reverse().flatMap((name) => [`${name} beta`, `${name} gamma`]);
      assert.deepEqual(await dirtyKeys(store, { descending: true }), backwards);
    });

    onStore('marking again replaces the row, also its forced flag', async (store) => {
      await store.apply([mark('/a', 'beta', true), { ...mark('/a'), myname: enc('other') } as Change]);
      assert.deepEqual(await dirtyList(store), [
        { name: '/a', forced: false, myname: 'other', peer: 'beta', checktxt: undefined },
      ]);
    });

    onStore('dirtyAmong tells which names are dirty for anyone', async (store) => {
      await store.apply([mark('/a', 'beta'), mark('/a', 'gamma'), mark('/\xe9', 'gamma'), put('/c')]);
      const found = await store.dirtyAmong(['/a', '/A', '/c', '/\xe9', '/e'].map(enc));
      assert.deepEqual([...found].sort(), ['/a', '/\xe9']);
    });

    onStore('clearing with ifFile spares a row whose file row has changed since', async (store) => {
      await store.apply([put('/a', 'one'), mark('/a'), mark('/none'), mark('/none', 'gamma')]);
      await store.apply([put('/a', 'two'), clear('/a', 'beta', 'one'), clear('/a', 'beta', null)]);
      await store.apply([clear('/none', 'beta', 'one'), clear('/none', 'beta', '')]);
      assert.deepEqual(await dirtyKeys(store), ['/a beta', '/none beta', '/none gamma']);
      await store.apply([clear('/a', 'beta', 'two'), clear('/none', 'beta', null)]);
      assert.deepEqual(await dirtyKeys(store), ['/none gamma']);
      await store.apply([clear('/none', 'gamma'), clear('/never', 'gamma')]);
      assert.deepEqual(await dirtyKeys(store), []);
    });

    onStore('ifFile compares checktxts byte for byte', async (store) => {
      const checktxts = ['a', 'A', 'a ', '\xe9', '\xc3\xa9', 'e'];
      await store.apply([put('/a', 'a'), mark('/a'), put('/e', '\xe9'), mark('/e')]);
      await store.apply(checktxts.filter((text) => text !== 'a').map((text) => clear('/a', 'beta', text)));
      await store.apply(checktxts.filter((text) => text !== '\xe9').map((text) => clear('/e', 'beta', text)));
      assert.deepEqual(await dirtyKeys(store), ['/a beta', '/e beta']);
      await store.apply([clear('/a', 'beta', 'a'), clear('/e', 'beta', '\xe9')]);
      assert.deepEqual(await dirtyKeys(store), []);
    });

    onStore('clearAllDirty forgets a name for every peer', async (store) => {
      await store.apply([mark('/a', 'beta'), mark('/a', 'gamma'), mark('/A'), mark('/a/b')]);
      await store.apply([{ type: 'clearAllDirty', name: enc('/a') }]);
      assert.deepEqual(await dirtyKeys(store), ['/A beta', '/a/b beta']);
    });

    onStore('forceDirty forces the rows of a range', async (store) => {
      await store.apply(['/a', '/a/b', '/a/\xff', '/a.b', '/a0', '/A/b'].map((name) => mark(name)));
      const forced = async (): Promise<string[]> =>
        (await dirtyList(store)).filter((row) => row.forced).map((row) => row.name);
      await store.apply([{ type: 'forceDirty', range: exactly(enc('/a.b')) }]);
      assert.deepEqual(await forced(), ['/a.b']);
      await store.apply([{ type: 'forceDirty', range: below(enc('/a')) }]);
      assert.deepEqual(await forced(), ['/a.b', '/a/b', '/a/\xff']);
      await store.apply([{ type: 'forceDirty', range: allNames }]);
      assert.equal((await forced()).length, 6);
    });
  });

  describe('hints, actions, certificates', () => {
    onStore('a name has at most one plain and one recursive hint', async (store) => {
      const hint = (type: 'putHint' | 'dropHint', name: string, recursive: boolean): Change => ({
        type,
        name: enc(name),
        recursive,
      });
      await store.apply([
        hint('putHint', '/b', false),
        hint('putHint', '/a\xe9', true),
        hint('putHint', '/a\xe9', true),
        hint('putHint', '/b', true),
        hint('putHint', '/B', true),
      ]);
      assert.deepEqual(await store.hints(), [
        { name: '/B', recursive: true },
        { name: '/a\xe9', recursive: true },
        { name: '/b', recursive: false },
        { name: '/b', recursive: true },
      ]);
      await store.apply([hint('dropHint', '/b', true), hint('dropHint', '/a\xe9', false)]);
      assert.deepEqual(await store.hints(), [
        { name: '/B', recursive: true },
        { name: '/a\xe9', recursive: true },
        { name: '/b', recursive: false },
      ]);
    });

    onStore('actions are queued once and come ordered by command, log file, name', async (store) => {
      const action = (type: 'queueAction' | 'dropAction', name: string, command: string, logfile: string): Change => ({
        type,
        name: enc(name),
        command: enc(command),
        logfile: enc(logfile),
      });
      await store.apply([
        action('queueAction', '/b', 'run%20b', '/l2'),
        action('queueAction', '/\xe9', 'run%20b', '/l1'),
        action('queueAction', '/a', 'run%20b', '/l1'),
        action('queueAction', '/a', 'run%20b', '/l1'),
        action('queueAction', '/z', 'Run', ''),
        action('queueAction', '/a', 'run%20a\xff', '/l1'),
      ]);
      const list = async (): Promise<string[]> =>
        (await store.actions()).map((row) => `${row.command} ${row.logfile} ${row.name}`);
      assert.deepEqual(await list(), [
        'Run  /z',
        'run%20a\xff /l1 /a',
        'run%20b /l1 /a',
        'run%20b /l1 /\xe9',
        'run%20b /l2 /b',
      ]);
      await store.apply([
        action('dropAction', '/a', 'run%20b', '/l1'),
        action('dropAction', '/b', 'run%20b', '/l1'),
        action('dropAction', '/z', 'Run', ''),
      ]);
      assert.deepEqual(await list(), ['run%20a\xff /l1 /a', 'run%20b /l1 /\xe9', 'run%20b /l2 /b']);
    });

    onStore('the certificate of a peer is remembered, replaced, forgotten', async (store) => {
      const long = 'AB01'.repeat(2500);
      const certificate = (peer: string, text: string): Change => ({
        type: 'putCertificate',
        peer: enc(peer),
        certificate: text,
      });
      await store.apply([certificate('beta', '00FF'), certificate('alpha', long)]);
      assert.equal(await store.certificate(enc('beta')), '00FF');
      assert.equal(await store.certificate(enc('Beta')), undefined);
      assert.deepEqual(await store.certificates(), [
        { peer: 'alpha', certificate: long },
        { peer: 'beta', certificate: '00FF' },
      ]);
      await store.apply([certificate('beta', '01'), { type: 'dropCertificate', peer: enc('alpha') }]);
      assert.deepEqual(await store.certificates(), [{ peer: 'beta', certificate: '01' }]);
    });
  });

  describe('batches', () => {
    onStore('a batch takes effect in its order', async (store) => {
      await store.apply([
        put('/a', 'one'),
        { type: 'dropFile', name: enc('/a') },
        put('/a', 'two'),
        put('/a', 'three'),
        put('/b', 'x'),
        { type: 'dropFile', name: enc('/b') },
        mark('/a', 'beta', true),
        clear('/a', 'beta', 'three'),
        mark('/a', 'beta'),
        { type: 'forceDirty', range: allNames },
        mark('/c'),
        put('/c', 'c'),
        clear('/c', 'beta', null),
      ]);
      assert.deepEqual(await fileList(store), [
        ['/a', 'three'],
        ['/c', 'c'],
      ]);
      assert.deepEqual(
        (await dirtyList(store)).map((row) => [row.name, row.forced]),
        [
          ['/a', true],
          ['/c', false],
        ],
      );
    });

    onStore('any batch means what its changes mean one after the other', async (store) => {
      const random = generator(7);
      const model = new Model();
      for (let round = 0; round < 60; round++) {
        const changes = Array.from({ length: 1 + random(25) }, () => randomChange(random));
        for (const change of changes) model.apply(change);
        await store.apply(changes);
        const told = JSON.stringify(changes);
        assert.deepEqual(new Map(await fileList(store)), model.files, told);
        const expected = model.dirty.map((row) => ({ ...row, checktxt: model.files.get(row.name) }));
        expected.sort((a, b) => byBytes(a.name, b.name) || byBytes(a.peer, b.peer));
        assert.deepEqual(await dirtyList(store), expected, told);
        assert.deepEqual(new Set(await store.hints()), new Set(model.hints.values()), told);
        assert.deepEqual(new Set(await store.actions()), new Set(model.actions), told);
      }
    });

    onStore('a batch that fails in the middle leaves nothing behind', async (store) => {
      await store.apply([put('/a', 'one')]);
      const broken = { type: 'putFile', name: '/bad', checktxt: Symbol('no text') } as unknown as Change;
      await assert.rejects(store.apply([put('/a', 'two'), mark('/a'), broken, put('/c')]));
      assert.deepEqual(await fileList(store), [['/a', 'one']]);
      assert.deepEqual(await dirtyKeys(store), []);
      await store.apply([put('/b')]);
      assert.deepEqual(await nameList(store), ['/a', '/b']);
    });

    onStore('batches that are not awaited take effect in the order they were given', async (store) => {
      await Promise.all(Array.from({ length: 20 }, (_, at) => store.apply([put('/a', `${at}`), put(`/n${at}`)])));
      assert.equal((await store.fileRows([enc('/a')])).get(enc('/a')), '19');
      assert.equal((await nameList(store)).length, 21);
    });

    onStore('a huge batch works', async (store) => {
      const changes = Array.from({ length: size.batch }, (_, at) => [
        put(`/d/${at}`, `${at}`),
        mark(`/d/${at}`),
      ]).flat();
      await store.apply(changes);
      await store.flush();
      assert.equal((await nameList(store)).length, size.batch);
      assert.equal((await dirtyList(store, { peer: enc('beta') })).length, size.batch);
      await store.apply(
        changes.map((change) => (change.type === 'putFile' ? { type: 'dropFile', name: change.name } : change)),
      );
      assert.equal((await nameList(store)).length, 0);
    });

    test('what was applied is there for the next one who opens the database', async () => {
      await reset();
      const first = await open();
      await first.apply([put('/a\xe9', 'x'), mark('/a\xe9', 'beta', true)]);
      const second = await open();
      assert.deepEqual(await fileList(second), [['/a\xe9', 'x']]);
      await second.apply([put('/b')]);
      assert.deepEqual(await nameList(first), ['/a\xe9', '/b']);
      await first.close();
      await second.close();
      const third = await open();
      assert.deepEqual(await nameList(third), ['/a\xe9', '/b']);
      await third.close();
    });
  });
}
