import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { allNames, type Change, type Store } from '../../src/store/store.ts';
import { dirtyContract } from './contractDirty.ts';
import { filesContract } from './contractFiles.ts';
import { smallTablesContract } from './contractSmall.ts';
import { generator, Model, randomChange } from './model.ts';
import {
  byBytes,
  clear,
  dirtyKeys,
  dirtyList,
  enc,
  fileList,
  mark,
  nameList,
  put,
  type ContractSize,
  type OnStore,
} from './rows.ts';

/**
 * What every back end must do. `open` gives a handle on one and the same database each time it is called during a test;
 * `reset` makes the next one empty.
 */
export function storeContract(
  open: () => Promise<Store>,
  reset: () => Promise<void>,
  size: ContractSize = { pages: 40_000, batch: 50_000 },
): void {
  const onStore: OnStore = (name, body) => {
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

  filesContract(onStore, size);
  dirtyContract(onStore, size);
  smallTablesContract(onStore);

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
