import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import threading, { type WorkerOptions } from 'node:worker_threads';
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
  /** What is open below the tree. */
  const descriptors = (): number =>
    fs.readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${fd}`, 'latin1').startsWith(tree);
      } catch {
        return false; // that by which the list was read
      }
    }).length;

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

  test('a leftover behind all that is still there is cleaned up by either side', async () => {
    const gone = Array.from({ length: 5000 }, (_, at) => encode(`${tree}/zzz/f${at}`));
    const checktxt = encode('v1:type=dir');
    await store.apply(gone.map((name) => ({ type: 'putFile', name, checktxt })));
    fs.mkdirSync(join(tree, 'zzz'));
    const leftover = join(tree, 'zzz', tempName());
    fs.writeFileSync(leftover, '');
    try {
      for (const pause of [0, 60]) {
        const cleaned: string[] = [];
        await shared((one) => void cleaned.push(one), pause);
        assert.deepEqual(cleaned, [leftover]);
      }
    } finally {
      fs.rmSync(join(tree, 'zzz'), { recursive: true });
      await store.apply(gone.map((name) => ({ type: 'dropFile', name })));
    }
  });

  test('trouble that both meet is told once', async () => {
    // A directory whose path is too long, with rows below it where the walk is cut.
    const home = process.cwd();
    let path = join(root, 'long');
    fs.mkdirSync(path);
    process.chdir(path);
    for (let left = 4090 - path.length; left > 0; left = 4090 - path.length) {
      const base = 'd'.repeat(Math.min(left - 1, left > 250 ? 200 : 255));
      fs.mkdirSync(base);
      process.chdir(base);
      path += `/${base}`;
    }
    fs.mkdirSync('too-long');
    process.chdir(home);
    const names = Array.from({ length: 25_000 }, (_, at) => {
      return encode(`/short/too-long/${String(at).slice(0, 1)}/${at}`);
    });
    const checktxt = encode('v1:type=dir');
    await store.apply(names.map((name) => ({ type: 'putFile', name, checktxt })));
    const coverage: CoverageSource = { patterns: [[{ kind: 'include', text: '/short' }]], excepted: [] };
    const task = { path: path as DiskPath, name: encode('/short'), coverage, ignored };
    const filter = coverageFrom(coverage).enter('/short' as FileName);
    let unknown = 0;
    // Until the thread has come up in time to come by as well.
    for (let pause = 100; unknown < 2 && pause < 3000; pause *= 2) {
      const walk = await SharedWalk.begin(task, filter, store, below(task.name), (leftover) => assert.fail(leftover));
      const problems: string[] = [];
      unknown = 0;
      try {
        await sleep(pause);
        for (let batch = await walk.next(); batch !== undefined; batch = await walk.next()) {
          problems.push(...batch.problems.map(String));
          unknown += batch.unknown.length;
        }
      } finally {
        await walk.close();
      }
      assert.deepEqual(problems, [`${path}/too-long: File name too long`]);
    }
    assert.equal(unknown, 2);
  });

  /** With threads that run this module in place of theirs. */
  async function withThread(code: string, work: () => Promise<void>): Promise<void> {
    const { Worker } = threading;
    threading.Worker = class extends Worker {
      constructor(_: unknown, options: WorkerOptions) {
        super(new URL(`data:text/javascript,${encodeURIComponent(code)}`), options);
      }
    };
    syncBuiltinESMExports();
    try {
      await work();
    } finally {
      threading.Worker = Worker;
      syncBuiltinESMExports();
    }
  }

  test('a thread that does not come up is done without', async () => {
    const expected = linesOf(alone());
    const codes = ["throw new Error('out of everything');", 'process.exit(0);', 'setInterval(() => undefined, 1000);'];
    for (const code of codes) {
      await withThread(code, async () => assert.equal(linesOf(await shared()), expected));
    }
  });

  test('a thread that dies is an error', async () => {
    const start = "import { parentPort } from 'node:worker_threads'; parentPort.postMessage('up');";
    const ends = { 'process.exit(0);': /ended \(0\)/, "throw new Error('broken');": /broken/ };
    for (const [end, expected] of Object.entries(ends)) {
      const code = `${start} parentPort.on('message', () => { ${end} });`;
      let failure: unknown;
      // Until the thread has come up in time to be given something.
      for (let pause = 60; failure === undefined && pause < 4000; pause *= 2) {
        await withThread(code, async () => {
          failure = await shared(undefined, pause).then(
            () => undefined,
            (error: unknown) => error,
          );
        });
      }
      assert.match(String(failure), expected);
    }
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
