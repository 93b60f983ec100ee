import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { allNames, below, exactly, type Change, type NameRange } from '../../src/store/store.ts';
import {
  byBytes,
  clear,
  dirtyKeys,
  dirtyList,
  enc,
  mark,
  put,
  trickyNames,
  type ContractSize,
  type OnStore,
} from './rows.ts';

export function dirtyContract(onStore: OnStore, size: ContractSize): void {
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

    onStore('are counted for each peer, in all or in a range', async (store) => {
      await store.apply(trickyNames.flatMap((name) => [mark(name, 'beta'), mark(name, 'Beta')]));
      await store.apply(['/dir/a', '/dir/b', '/dir0'].map((name) => mark(name, 'gamma')));
      const counts = async (range: NameRange) => [...(await store.dirtyCounts(range))].sort();
      const all = trickyNames.length;
      assert.deepEqual(await counts(allNames), [
        ['Beta', all],
        ['beta', all],
        ['gamma', 3],
      ]);
      assert.deepEqual(await counts(below(enc('/dir'))), [['gamma', 2]]);
      assert.deepEqual(await counts(exactly(enc('/dir/a'))), [['gamma', 1]]);
      assert.deepEqual(await counts(exactly(enc('/none'))), []);
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
}
