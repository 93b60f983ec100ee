import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { fsPath, type Encoded } from '../../src/bytes/bytes.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { encodedChecktxt } from '../../src/entry/checktxt.ts';
import { inspect } from '../../src/filesystem/inspect.ts';
import type { Problem } from '../../src/filesystem/problem.ts';
import {
  type UnknownRange,
  Walk,
  type WalkBatch,
  type WalkFilter,
  type WalkOptions,
} from '../../src/filesystem/walk.ts';
import { parseRows } from '../../src/store/rowLines.ts';
import { tempName } from '../../src/filesystem/tempName.ts';
import { disk, openDescriptors, scratch } from './scratch.ts';

const ignored = { uid: false, gid: false, mod: false };
const everything: WalkFilter = { covers: () => true, mayContain: () => true, enter: () => everything };

interface Found {
  readonly names: string[];
  readonly checktxts: string[];
  readonly unknown: UnknownRange[];
  readonly problems: Problem[];
  readonly batches: number;
}

function walk(start: string, filter = everything, slice = 1000, options: Partial<WalkOptions> = {}): Found {
  const found = { names: [], checktxts: [], unknown: [], problems: [], batches: 0 } as Found & { batches: number };
  const run = new Walk(disk(start), encode(start), filter, { ignored, ...options });
  for (let batch = run.next(slice); batch !== undefined; batch = run.next(slice)) {
    const { names, checktxts } = parseRows(batch.lines);
    assert.equal(names.length, batch.count);
    assert.ok(batch.count <= slice);
    found.names.push(...names);
    found.checktxts.push(...checktxts);
    found.unknown.push(...batch.unknown);
    found.problems.push(...batch.problems);
    found.batches++;
  }
  return found;
}

/** The names in one batch; undefined at the end. */
function namesIn(batch: WalkBatch | undefined): readonly string[] | undefined {
  return batch === undefined ? undefined : parseRows(batch.lines).names;
}

/** A tree with names that sort differently with and without what is below them, and with and without the encoding. */
function plantTree(root: string): void {
  const directories = [
    'a',
    'a.b',
    'a.b/x',
    'a-',
    'a0',
    'a/b',
    'a/b c',
    'a/b!',
    'a b',
    'a%',
    '\xff',
    'a/\xe9',
    'empty',
    'a.b-',
  ];
  const files = [
    'a.txt',
    'a.c',
    'a/x',
    'a/b/1',
    'a/b.1',
    'a/b c/1',
    'a/b!/1',
    'a.b/x/y',
    'a b/z',
    'a!',
    '\xff/\xfe',
    '~',
    'a.b-c',
  ];
  for (const name of directories) fs.mkdirSync(fsPath(`${root}/${name}`), { recursive: true });
  for (const name of files) fs.writeFileSync(fsPath(`${root}/${name}`), name);
  fs.symlinkSync('a', `${root}/a:link`);
  execFileSync('mkfifo', ['a,fifo'], { cwd: root });
}

function listing(directory: string, under = ''): string[] {
  return fs.readdirSync(fsPath(directory), 'latin1').flatMap((base) => {
    const path = `${directory}/${base}`;
    const name = `${under}/${base}`;
    return fs.lstatSync(fsPath(path)).isDirectory() ? [name, ...listing(path, name)] : [name];
  });
}

test('everything below the start comes in byte order of the encoded names, however it is sliced', (t) => {
  const root = scratch(t);
  plantTree(root);
  const expected = listing(root)
    .map((name) => encode(root + name))
    .sort();
  const before = openDescriptors();
  for (const slice of [1, 2, 3, 7, 1000]) {
    const found = walk(root, everything, slice);
    assert.deepEqual(found.names, expected, `slices of ${slice}`);
    assert.deepEqual(found.unknown, []);
  }
  assert.equal(openDescriptors(), before);
});

test('stretches, taken by two in turn, add up to the whole, wherever one ends', (t) => {
  const root = scratch(t);
  plantTree(root);
  const whole = walk(root);
  const all = whole.names.map((name, index) => `${name} ${whole.checktxts[index]}`);
  const inside = whole.names.flatMap((name) => [name, `${name}/`, `${name}-`, `${name}0`]).sort();
  const before = openDescriptors();
  for (let first = 0; first < inside.length; first += 1) {
    for (const step of [1, 5, 17]) {
      const ends = inside.filter((_, index) => index >= first && (index - first) % step === 0);
      const bounds = ['', ...ends, undefined];
      const walks = [0, 1].map(() => new Walk(disk(root), encode(root), everything, { ignored }));
      const found: string[] = [];
      for (let index = 0; index + 1 < bounds.length; index += 1) {
        const run = walks[index % 2] as Walk;
        run.goTo({ from: bounds[index] as string, to: bounds[index + 1] });
        for (let batch = run.next(3); batch !== undefined; batch = run.next(3)) {
          const { names, checktxts } = parseRows(batch.lines);
          found.push(...names.map((name, at) => `${name} ${checktxts[at]}`));
        }
      }
      for (const run of walks) run.close();
      assert.deepEqual(found, all, `ends ${ends.join(' ')}`);
    }
  }
  assert.equal(openDescriptors(), before);
});

test('checktxts are those that looking at each object gives', (t) => {
  const root = scratch(t);
  plantTree(root);
  fs.utimesSync(`${root}/a/x`, '-1.5', '-1.5');
  const found = walk(root);
  const kinds = found.checktxts.map((text) => /type=(\w+)/.exec(text)?.[1]);
  assert.deepEqual(new Set(kinds), new Set(['reg', 'dir', 'lnk', 'fifo']));
  listing(root)
    .map((name) => [encode(root + name), root + name] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .forEach(([, path], n) => {
      const there = inspect(disk(path));
      assert.ok(there.state === 'present');
      assert.equal(found.checktxts[n], encodedChecktxt(there.entry, ignored), path);
    });
});

test('a filter decides what is reported and where the walk goes', (t) => {
  const root = scratch(t);
  for (const name of ['keep/deep', 'through/deep', 'closed/deep']) fs.mkdirSync(`${root}/${name}`, { recursive: true });
  const asked: string[] = [];
  const below: WalkFilter = { covers: () => true, mayContain: () => true, enter: () => below };
  const top: WalkFilter = {
    covers: (base) => base === 'keep',
    mayContain: (base) => base !== 'closed',
    enter: (base) => {
      asked.push(base);
      return below;
    },
  };
  const names = walk(root, top).names.map((name) => name.slice(root.length));
  assert.deepEqual(names, ['/keep', '/keep/deep', '/through/deep']);
  assert.deepEqual(asked, ['keep', 'through']);
});

test('names begin as the caller says: a prefix, or the root directory', (t) => {
  const root = scratch(t);
  fs.writeFileSync(`${root}/file`, '');
  const prefixed = new Walk(disk(root), encode('%home%'), everything, { ignored });
  assert.deepEqual(namesIn(prefixed.next(10)), ['%25home%25/file']);
  assert.equal(prefixed.next(10), undefined);
  const onlyTmp: WalkFilter = { covers: (base) => base === 'tmp', mayContain: () => false, enter: () => onlyTmp };
  assert.deepEqual(namesIn(new Walk(disk('/'), encode('/'), onlyTmp, { ignored }).next(10)), ['/tmp']);
});

test('trouble with the root directory names it', (t) => {
  const { openSync } = fs;
  t.mock.method(fs, 'openSync', (path: fs.PathLike, flags: fs.OpenMode) => {
    if (String(path).endsWith('/.'))
      throw Object.assign(new Error('EMFILE'), { code: 'EMFILE', errno: -24, syscall: 'open' });
    return openSync(path, flags);
  });
  const batch = new Walk(disk('/'), encode('/'), everything, { ignored }).next(10);
  assert.deepEqual(batch?.problems.map(String), ['/: Too many open files']);
  assert.deepEqual(batch.unknown, [{ from: '/', to: '0' }]);
});

test('temporary files of csync2 are no content; the caller hears of them', (t) => {
  const root = scratch(t);
  const temporary = `${root}/${tempName()}`;
  fs.writeFileSync(temporary, '');
  fs.writeFileSync(`${root}/.csync2.conf.tmp`, '');
  const heard: string[] = [];
  const found = walk(root, everything, 10, { temporary: (path) => heard.push(path) });
  assert.deepEqual(found.names, [`${root}/.csync2.conf.tmp`]);
  assert.deepEqual(heard, [temporary]);
});

test('links are reported and not followed, also at the start', (t) => {
  const root = scratch(t);
  fs.mkdirSync(`${root}/real`);
  fs.writeFileSync(`${root}/real/file`, '');
  fs.symlinkSync('real', `${root}/link`);
  assert.deepEqual(walk(root).names, [`${root}/link`, `${root}/real`, `${root}/real/file`]);
  for (const start of ['link', 'link/x', 'none', 'none/none', 'real/file']) {
    const found = walk(`${root}/${start}`);
    assert.deepEqual([found.names, found.unknown, found.problems], [[], [], []], start);
  }
});

test('what vanishes during the walk is not there', (t) => {
  const root = scratch(t);
  for (const name of ['a', 'b', 'c']) {
    fs.mkdirSync(`${root}/${name}`);
    fs.writeFileSync(`${root}/${name}/file`, '');
  }
  const run = new Walk(disk(root), encode(root), everything, { ignored });
  assert.deepEqual(namesIn(run.next(1)), [`${root}/a`]);
  fs.rmSync(`${root}/a`, { recursive: true });
  fs.rmSync(`${root}/b`, { recursive: true });
  fs.symlinkSync('c', `${root}/b`);
  fs.renameSync(`${root}/c`, `${root}/d`);
  const rest = run.next(10);
  assert.deepEqual(namesIn(rest), [`${root}/b`]);
  assert.deepEqual(rest?.problems, []);
});

test('the current directory is the same after each step, and a walk does without one', (t) => {
  const top = scratch(t);
  for (const directory of ['a/b', 'c', 'gone']) fs.mkdirSync(`${top}/${directory}`, { recursive: true });
  for (const file of ['a/1', 'a/b/2', 'c/3']) fs.writeFileSync(`${top}/${file}`, '');
  const all = walk(top).names;
  const before = process.cwd();
  t.after(() => process.chdir(before));
  process.chdir(`${top}/c`);
  const run = new Walk(disk(top), encode(top), everything, { ignored });
  for (const name of all) {
    assert.deepEqual(namesIn(run.next(1)), [name]);
    assert.equal(process.cwd(), `${top}/c`);
  }
  assert.equal(run.next(1), undefined);
  process.chdir(`${top}/gone`);
  fs.rmdirSync(`${top}/gone`);
  assert.deepEqual(
    walk(top).names,
    all.filter((name) => !name.endsWith('/gone')),
  );
  assert.throws(() => process.cwd(), { code: 'ENOENT' });
});

test('a walk can be given up', (t) => {
  const root = scratch(t);
  plantTree(root);
  const before = openDescriptors();
  const run = new Walk(disk(root), encode(root), everything, { ignored });
  run.next(5);
  run.close();
  assert.equal(openDescriptors(), before);
  assert.equal(run.next(5), undefined);
});

test('what is too deep to have a path is unknown, and the walk goes on', (t) => {
  const root = scratch(t);
  const base = 'n'.repeat(250);
  const levels = Math.floor((4095 - root.length) / 251);
  // Deeper than any path: each level is made from inside the one above.
  const script = 'for i in $(seq 20); do mkdir "$1" && cd -P "$1" || exit; done';
  execFileSync('sh', ['-c', script, 'sh', base], { cwd: root });
  fs.writeFileSync(`${root}/z`, '');
  const found = walk(root);
  assert.equal(found.names.length, levels + 1 + 1);
  assert.equal(found.names.at(-1), `${root}/z`);
  assert.equal(found.problems.length, 1);
  assert.equal(found.problems[0]?.code, 'ENAMETOOLONG');
  const last = found.names.at(-2) as Encoded;
  assert.deepEqual(found.unknown, [{ from: `${last}/`, to: `${last}0` }]);
  execFileSync('rm', ['-rf', `${root}/${base}`]);
});
