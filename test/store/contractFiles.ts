import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { encode } from '../../src/bytes/urlEncoding.ts';
import { allNames, below, exactly } from '../../src/store/store.ts';
import type { Encoded } from '../../src/bytes/bytes.ts';
import {
  byBytes,
  dirtyList,
  enc,
  fileList,
  lineText,
  mark,
  nameList,
  put,
  trickyNames,
  type ContractSize,
  type OnStore,
} from './rows.ts';

export function filesContract(onStore: OnStore, size: ContractSize): void {
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

    onStore('rows as texts are the same rows in the same order, and no text is empty', async (store) => {
      assert.equal(await lineText(store, allNames), '');
      await store.apply(trickyNames.map((name) => put(name, name)));
      for (const range of [allNames, below(enc('/')), below(enc('/nothing')), { from: '/a', to: '/b' }]) {
        const rows = await fileList(store, range);
        assert.equal(await lineText(store, range), rows.map(([name, checktxt]) => `${name}\t${checktxt}\n`).join(''));
      }
    });

    onStore('rows are counted, in all or in a range', async (store) => {
      assert.equal(await store.fileCount(allNames), 0);
      await store.apply([...trickyNames, '/dir', '/dir/a', '/dir/b', '/dir0'].map((name) => put(name)));
      assert.equal(await store.fileCount(allNames), trickyNames.length + 4);
      assert.equal(await store.fileCount(below(enc('/dir'))), 2);
      assert.equal(await store.fileCount(exactly(enc('/dir'))), 1);
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

    onStore('rows of names that lie close together or far apart, in any order', async (store) => {
      const names = Array.from({ length: 600 }, (_, at) => `/n/${String(at).padStart(3, '0')}\xe9`);
      await store.apply(names.map((name) => put(name, `of${name}`)));
      const dirtyNames = names.filter((_, at) => at % 7 === 0);
      await store.apply(dirtyNames.map((name) => mark(name)));
      for (const [from, to, step] of [
        [0, 20, 1],
        [0, 600, 1],
        [100, 140, 2],
        [90, 600, 30],
        [580, 640, 1],
      ] as const) {
        const asked: string[] = [];
        for (let at = from; at < to; at += step) asked.push(`/n/${String(at).padStart(3, '0')}\xe9`);
        asked.push('/n/none', '/a');
        for (const order of [asked, asked.toReversed()]) {
          const encoded = order.map(enc);
          const there = order.filter((name) => names.includes(name));
          assert.deepEqual(
            [...(await store.fileRows(encoded))].sort(),
            there.map((name) => [enc(name), enc(`of${name}`)]).sort(),
          );
          assert.deepEqual(
            [...(await store.dirtyAmong(encoded))].sort(),
            there
              .filter((name) => dirtyNames.includes(name))
              .map(enc)
              .sort(),
          );
        }
      }
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
}
