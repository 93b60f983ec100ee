import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fsPath, type DiskPath, type FileName } from '../../src/bytes/bytes.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { tempName } from '../../src/filesystem/tempName.ts';
import { Walk, type WalkBatch } from '../../src/filesystem/walk.ts';
import { buildCluster } from '../../src/groups/build.ts';
import { coverageFrom, type CoverageSource } from '../../src/groups/coverage.ts';
import { SharedWalk } from '../../src/scan/sharedWalk.ts';
import { openSqlite } from '../../src/store/sqlite/sqlite.ts';
import { parseRows } from '../../src/store/rowLines.ts';
import { below, type Store } from '../../src/store/store.ts';

const ignored = { uid: false, gid: false, mod: false };
const skip = availableParallelism() < 2 ? 'one processor: nothing is shared' : false;

/** Much and little in a directory, much below little, names that sort differently with and without what is below them. */
const sizes: Readonly<Record<string, number>> = {
  flat: 12_000,
  'flat-': 40,
  'flat/deep': 3000,
  'flat/deep er': 900,
  'many.d': 1,
  'many/last': 10_000,
  'zz/\xe9': 5000,
  kept: 3,
};

describe('a walk that two threads share', { skip }, () => {
  let root: string;
  let tree: string;
  let store: Store;
  let source: CoverageSource;

  before(async () => {
    root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'csync2-shared-')));
    tree = join(root, 'tree');
    for (const [directory, size] of Object.entries(sizes)) {
      fs.mkdirSync(fsPath(`${tree}/${directory}`), { recursive: true });
      for (let at = 0; at < size; at += 1) fs.writeFileSync(fsPath(`${tree}/${directory}/f${at}`), '');
    }
    for (let at = 0; at < 1500; at += 1) fs.mkdirSync(join(tree, `many/${at}/x`), { recursive: true });
    fs.writeFileSync(join(root, 'key'), 'k'.repeat(40) + '\n', { mode: 0o600 });
    const patterns = `include ${tree}; exclude f77; exclude ${tree}/many/3*;`;
    fs.writeFileSync(join(root, 'csync2.cfg'), `group g { host me you; key key; ${patterns} }`);
    const config = parseConfig(join(root, 'csync2.cfg'));
    const cluster = buildCluster({ config, host: 'me', systemDirectory: root });
    source = { patterns: cluster.patterns, excepted: [`${tree}/kept` as FileName] };
    store = openSqlite(join(root, 'state.db3'), { lockTimeout: 5, unsafe: true, smallTransactions: false });
    for (const { lines } of alone()) {
      const { names, checktxts } = parseRows(lines);
      await store.apply(names.map((name, at) => ({ type: 'putFile', name, checktxt: checktxts[at] as typeof name })));
    }
  });

  after(async () => {
    await store.close();
    execFileSync('rm', ['-rf', root]); // deeper than Node removes
  });

  /** What one thread finds. */
  function alone(): WalkBatch[] {
    const walk = new Walk(tree as DiskPath, encode(tree), coverageFrom(source).enter(tree as FileName), { ignored });
    const batches: WalkBatch[] = [];
    for (let batch = walk.next(5000); batch !== undefined; batch = walk.next(5000)) batches.push(batch);
    return batches;
  }

  function begin(clean = (leftover: DiskPath): void => assert.fail(leftover)): Promise<SharedWalk> {
    const task = { path: tree as DiskPath, name: encode(tree), coverage: source, ignored };
    const filter = coverageFrom(source).enter(tree as FileName);
    return SharedWalk.begin(task, filter, store, below(encode(tree)), clean);
  }

  async function shared(clean?: (leftover: DiskPath) => void, pause = 0): Promise<WalkBatch[]> {
    const walk = await begin(clean);
    const batches: WalkBatch[] = [];
    try {
      for (let batch = await walk.next(); batch !== undefined; batch = await walk.next()) {
        batches.push(batch);
        if (pause > 0) await sleep(pause);
      }
    } finally {
      await walk.close();
    }
    return batches;
  }

  const linesOf = (batches: readonly WalkBatch[]): string => batches.map(({ lines }) => lines).join('');
  const threads = (): number => fs.readdirSync('/proc/self/task').length;
  const descriptors = (): number =>
    execFileSync('ls', ['-l', `/proc/${process.pid}/fd`], { encoding: 'latin1' }).split(tree).length;

  test('finds the same in the same order, whoever is faster', async () => {
    const expected = linesOf(alone());
    for (const pause of [0, 0, 20]) assert.equal(linesOf(await shared(undefined, pause)), expected);
  });

  test('finds what the database does not know, and cleans up, on either side', async () => {
    const fresh = ['flat-/new', 'flat/deep/new', 'many/1499/x/new', 'zz/\xe9/new'].map((name) => `${tree}/${name}`);
    const leftovers = ['flat', 'flat/deep er', 'many/1000', 'zz/\xe9'].map((name) => `${tree}/${name}/${tempName()}`);
    const soon = Date.now() / 1000 + 30; // young for as long as this takes
    for (const path of [...fresh, ...leftovers]) {
      fs.writeFileSync(fsPath(path), 'new');
      fs.utimesSync(fsPath(path), soon, soon);
    }
    const cleaned: string[] = [];
    const batches = await shared((leftover) => void cleaned.push(leftover));
    assert.deepEqual(cleaned.sort(), leftovers.sort());
    assert.equal(linesOf(batches), linesOf(alone()));
    const young = batches.flatMap((batch) => [...batch.young.keys()]);
    assert.deepEqual(
      young.filter((name) => name.endsWith('/new')),
      fresh.map(encode).sort(),
    );
    for (const path of [...fresh, ...leftovers]) fs.rmSync(fsPath(path));
  });

  test('what cannot be looked at is told, on either side', async () => {
    // Deeper than a path can be long, beyond where the first thread begins.
    const home = process.cwd();
    process.chdir(join(tree, 'zz'));
    for (let depth = 0; depth < 25; depth += 1) {
      fs.mkdirSync('d'.repeat(200));
      process.chdir('d'.repeat(200));
    }
    process.chdir(home);
    const trouble = (batches: readonly WalkBatch[]): string[] =>
      batches.flatMap(({ problems }) => problems.map(String));
    const expected = trouble(alone());
    assert.equal(expected.length, 1);
    const batches = await shared();
    assert.deepEqual(trouble(batches), expected);
    assert.deepEqual(
      batches.flatMap(({ unknown }) => unknown),
      alone().flatMap(({ unknown }) => unknown),
    );
  });

  test('nothing is left of a walk that is given up: no thread, no open directory', async () => {
    const before = { threads: threads(), descriptors: descriptors() };
    for (const batches of [0, 1, 5]) {
      const walk = await begin();
      try {
        for (let at = 0; at < batches; at += 1) await walk.next();
        assert.equal(threads(), before.threads + 1);
      } finally {
        await walk.close();
      }
      assert.deepEqual({ threads: threads(), descriptors: descriptors() }, before);
    }
  });
});
