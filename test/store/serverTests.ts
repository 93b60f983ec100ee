import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import type { Change, Store, StoreOptions } from '../../src/store/store.ts';
import { allNames, StoreError } from '../../src/store/store.ts';
import { openStore } from '../../src/store/open.ts';
import { locate } from '../../src/store/location.ts';
import { dirtyList, enc, fileList, mark, nameList, put } from './rows.ts';
import { Oracle, oracleMissing } from './oracle.ts';
import { Proxy } from './proxy.ts';

export const serverOptions: StoreOptions = { lockTimeout: 5, unsafe: false, smallTransactions: false };

export const openUrl = (url: string, options: Partial<StoreOptions> = {}): Promise<Store> =>
  openStore(locate(url, 'alpha', ''), { ...serverOptions, ...options });

export async function using(url: string, body: (store: Store) => Promise<void>): Promise<void> {
  const store = await openUrl(url);
  try {
    await body(store);
  } finally {
    await store.close();
  }
}

/** Rejects with this code, and with a message that names the database but never the password. */
export async function failsWith(action: Promise<unknown>, code: StoreError['code'], message: RegExp): Promise<void> {
  await assert.rejects(action, (error: unknown) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /pass@word|pass%40word/);
    return true;
  });
}

/**
 * What both servers must do beyond the contract. `at` gives the URL of a database by its name, through this port if any;
 * `holdLock` starts a foreign transaction that changed the file row '/held' and returns what ends it.
 */
export function serverTests(
  at: (database: string, port?: number) => string,
  port: () => number,
  holdLock: (database: string) => Promise<() => Promise<void>>,
): void {
  describe('the network', () => {
    test('a check of a hundred thousand unchanged files takes few round trips', async (t) => {
      const proxy = await Proxy.to(port());
      t.after(() => proxy.close());
      const store = await openUrl(at('trips', proxy.port));
      const names = Array.from({ length: 100_000 }, (_, row) => `/srv/${String(row).padStart(6, '0')}`);
      for (let row = 0; row < names.length; row += 20_000) {
        await store.apply(names.slice(row, row + 20_000).map((name) => put(name)));
      }
      assert.ok(proxy.roundTrips < 400, `${proxy.roundTrips} round trips for writing`);
      proxy.roundTrips = 0;
      let count = 0;
      for await (const page of store.files(allNames)) count += page.names.length;
      assert.equal(count, names.length);
      assert.ok(proxy.roundTrips < 30, `${proxy.roundTrips} round trips for reading`);
      await store.close();
    });

    test('a connection that breaks in the middle of a batch leaves nothing of it', async (t) => {
      const proxy = await Proxy.to(port());
      t.after(() => proxy.close());
      const store = await openUrl(`${at('broken', proxy.port)}?sslmode=disable`);
      await store.apply([put('/before')]);
      proxy.onRequest = (bytes) => {
        if (bytes.includes('INSERT')) proxy.breakConnections();
      };
      const batch = Array.from({ length: 5000 }, (_, row): Change[] => [put(`/n/${row}`), mark(`/n/${row}`)]).flat();
      await failsWith(store.apply(batch), 'CONNECTION', /broken/);
      await failsWith(fileList(store), 'CONNECTION', /broken/);
      await store.close();
      await using(at('broken'), async (again) => {
        assert.deepEqual(await nameList(again), ['/before']);
        assert.deepEqual(await dirtyList(again), []);
      });
    });

    test('a server that is not there, and one that does not let us in, are told apart', async () => {
      const proxy = await Proxy.to(port());
      const closed = proxy.port;
      await proxy.close();
      await failsWith(openUrl(at('any', closed)), 'CONNECTION', /ECONNREFUSED/);
      const wrong = at('any').replace('pass%40word', 'wrong%40word');
      await failsWith(openUrl(wrong), 'OPEN', /any: .*(authentication failed|Access denied)/);
    });
  });

  describe('locks', () => {
    test('a batch waits for a foreign transaction, and fails with LOCKED when that takes too long', async () => {
      await using(at('locks'), (store) => store.apply([put('/held', 'old')]));
      const hasty = await openUrl(at('locks'), { lockTimeout: 1 });
      const patient = await openUrl(at('locks'), { lockTimeout: 20 });
      const release = await holdLock('locks');
      await failsWith(hasty.apply([put('/held', 'hasty'), mark('/held')]), 'LOCKED', /locks.*lock/);
      const write = patient.apply([put('/held', 'patient')]);
      assert.deepEqual(await dirtyList(hasty), []);
      await release();
      await write;
      assert.deepEqual(await fileList(hasty), [['/held', 'patient']]);
      await hasty.apply([put('/after')]);
      assert.deepEqual(await nameList(patient), ['/after', '/held']);
      await hasty.close();
      await patient.close();
    });

    test('many writers on the same rows neither fail nor make rows twice', async () => {
      const stores = await Promise.all(Array.from({ length: 4 }, () => openUrl(at('crowd'), { lockTimeout: 30 })));
      const names = Array.from({ length: 50 }, (_, row) => `/same/${row}`);
      await Promise.all(
        stores.map(async (store, who) => {
          for (let round = 0; round < 5; round++) {
            const mine = who % 2 === 0 ? names : [...names].reverse();
            await store.apply(mine.flatMap((name) => [put(name, `${who}`), mark(name)]));
            await store.apply([put(`/own/${who}/${round}`)]);
          }
        }),
      );
      const [store] = stores as [Store];
      assert.equal((await nameList(store)).length, names.length + 20);
      assert.equal((await dirtyList(store)).length, names.length);
      const checktxts = (await fileList(store)).filter(([name]) => name.startsWith('/same/')).map(([, text]) => text);
      assert.equal(new Set(checktxts).size, 1);
      for (const each of stores) await each.close();
    });
  });
}

/** Writes with the C program, then with ours, then with C again, in a database that C (`prepare` aside) makes. */
export function turnTests(
  at: (database: string) => string,
  prepare: (database: string) => Promise<void>,
  names: readonly string[],
): void {
  test('in turn with the C program, nothing is lost', { skip: oracleMissing }, async () => {
    await prepare('turns');
    const oracle = new Oracle();
    try {
      oracle.write(...names);
      const url = at('turns');
      const first = await oracle.run(url, '-cr', '/');
      assert.equal(first.code, 0, first.stderr);
      const encoded = oracle.encoded('', ...names).sort();
      await using(url, async (store) => {
        assert.deepEqual(await nameList(store), encoded);
        const dirty = await dirtyList(store, { peer: enc('beta') });
        assert.deepEqual(
          dirty.map((row) => row.name),
          encoded,
        );
        assert.ok(dirty.every((row) => row.checktxt !== undefined && !row.forced && row.myname === enc('alpha')));
        assert.equal((await store.fileRows(encoded)).size, encoded.length);
        await store.apply(
          dirty
            .slice(1)
            .map((row) => ({ type: 'clearDirty', name: row.name, peer: row.peer, ifFile: row.checktxt ?? null })),
        );
        await store.apply([
          put(`${oracle.data}/ours%20\xc3\xa9`, 'v1%3Aours'),
          mark(`${oracle.data}/ours%20\xc3\xa9`, 'beta', true),
        ]);
      });
      const listed = await oracle.run(url, '-L');
      assert.match(listed.stdout, new RegExp(`v1:ours\\t${oracle.data}/ours \xc3\xa9\\n`));
      const dirty = await oracle.run(url, '-M');
      assert.deepEqual(dirty.stdout.trim().split('\n').sort(), [
        `chary\talpha\tbeta\t${oracle.data}`,
        `force\talpha\tbeta\t${oracle.data}/ours \xc3\xa9`,
      ]);
      oracle.write('later');
      assert.equal((await oracle.run(url, '-cr', '/')).code, 0);
      await using(url, async (store) => {
        assert.deepEqual(await nameList(store), [...encoded, ...oracle.encoded('later')].sort());
        assert.ok((await dirtyList(store)).some((row) => row.name === enc(`${oracle.data}/ours%20\xc3\xa9`)));
      });
    } finally {
      oracle.remove();
    }
  });
}
