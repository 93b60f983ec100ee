import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { latestMarks, markTimes, now, tidyMarks } from '../../src/store/marks.ts';
import { openSqlite } from '../../src/store/sqlite/sqlite.ts';
import type { MarkBatch } from '../../src/store/store.ts';
import { clear, enc, mark } from './rows.ts';

const root = mkdtempSync(join(tmpdir(), 'csync2-marks-'));
after(() => rmSync(root, { recursive: true, force: true }));

const batch = (peer: string, at: number, ...names: string[]): MarkBatch => ({
  peer: enc(peer),
  at,
  names: names.map(enc),
});

test('a row is dirty since it was marked last', () => {
  const since = markTimes([batch('beta', 30, '/a'), batch('gamma', 20, '/a'), batch('beta', 10, '/a', '/b')]);
  const at = (name: string, peer: string): number | undefined => since({ name: enc(name), peer: enc(peer) });
  assert.deepEqual(
    [at('/a', 'beta'), at('/b', 'beta'), at('/a', 'gamma'), at('/b', 'gamma'), at('/c', 'delta')],
    [30, 10, 20, undefined, undefined],
  );
});

test('names that are not dirty any more, or were marked again, are dropped', () => {
  const batches = [batch('beta', 30, '/a'), batch('gamma', 20, '/a'), batch('beta', 10, '/a', '/b', '/gone')];
  assert.deepEqual(latestMarks(batches, new Set(['/a', '/b'].map(enc))), [
    batch('beta', 30, '/a'),
    batch('gamma', 20, '/a'),
    batch('beta', 10, '/b'),
  ]);
});

test('what is noted does not grow with the number of runs', async () => {
  const store = openSqlite(join(root, 'a.db3'), { lockTimeout: 1, unsafe: true, smallTransactions: false });
  const old = now() - 1000;
  await store.apply([mark('/stuck'), mark('/busy'), mark('/other', 'gamma')]);
  const batches = Array.from({ length: 300 }, (_, at) => batch('beta', old - at, '/busy', `/sent${at}`));
  await store.apply([
    { type: 'replaceMarks', before: now() + 1, batches: [...batches, batch('beta', old - 300, '/stuck')] },
  ]);
  await tidyMarks(store);
  assert.deepEqual(await store.marks(), [batch('beta', old, '/busy'), batch('beta', old - 300, '/stuck')]);
  await store.apply([clear('/stuck', 'beta'), clear('/busy', 'beta')]);
  await tidyMarks(store);
  assert.deepEqual(await store.marks(), []);
  await store.close();
});
