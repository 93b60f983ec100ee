import assert from 'node:assert/strict';
import { type Scenario, group, scenarios } from './harness/scenario.ts';
import type { Tree } from './harness/tree.ts';

/** What a host can do to a file that both had in sync. */
const changes: Readonly<Record<string, (tree: Tree, name: string) => void>> = {
  older: (tree, name) => tree.write(name, 'much longer than before', { mtime: 1_700_000_010 }),
  younger: (tree, name) => tree.write(name, 'x', { mtime: 1_700_000_020 }),
  deleted: (tree, name) => tree.remove(name),
  directory: (tree, name) => {
    tree.remove(name);
    tree.mkdir(name);
  },
};
const kinds = Object.keys(changes);
const sides = kinds.flatMap((a) => kinds.map((b) => [a, b] as const)).filter(([a, b]) => a !== b);
const fileFor = (ours: string, theirs: string): string => `${ours} here, ${theirs} there`;

/** A file for every pair of changes that the two sides can make; the first host pushes, then the second one. */
function conflicts(method: string): Scenario {
  return {
    name: `auto ${method}, all pairs of changes`,
    config: group(`auto ${method};`),
    run: async (w) => {
      await w.settle((tree) => sides.forEach(([a, b]) => tree.write(fileFor(a, b), 'in sync')));
      for (const [ours, theirs] of sides) {
        changes[ours]?.(w.h1.tree, fileFor(ours, theirs));
        changes[theirs]?.(w.h2.tree, fileFor(ours, theirs));
      }
      const before = w.h2.tree.snapshot();
      const { code } = await w.run(w.h1, '-xv');
      if (code === 0) assert.deepEqual(w.h2.tree.snapshot(), w.h1.tree.snapshot());
      if (method === 'none') {
        assert.equal(code, 1);
        assert.deepEqual(w.h2.tree.snapshot(), before);
      }
      if (method === 'first') assert.equal(code, 0);
      await w.run(w.h2, '-xv');
    },
  };
}

scenarios('conflicts', ['none', 'first', 'younger', 'older', 'bigger', 'smaller', 'left', 'right'].map(conflicts));

const change = (tree: Tree, text: string, mtime: number): void => tree.write('a', text, { mtime });
const start = (tree: Tree): void => tree.write('a', 'in sync');

scenarios('winning and losing', [
  {
    name: 'unresolved: the file stays dirty on both sides and both keep their own',
    tls: true,
    config: group(),
    run: async (w) => {
      await w.settle(start);
      change(w.h1.tree, 'one', 1_700_000_001);
      change(w.h2.tree, 'two!', 1_700_000_002);
      await w.fails(w.h1, '-xv');
      await w.fails(w.h2, '-xv');
      assert.equal(w.h1.tree.read('a'), 'one');
      assert.equal(w.h2.tree.read('a'), 'two!');
      assert.deepEqual(w.h1.rows().dirty, ['%25t%25/a | 0 | 127.2.1.1 | 127.2.1.2']);
    },
  },
  {
    name: 'equal changes on both sides are no conflict',
    config: group(),
    run: async (w) => {
      await w.settle(start);
      for (const host of w.hosts) change(host.tree, 'the same', 1_700_000_001);
      await w.ok(w.h1, '-xv');
      await w.ok(w.h2, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'equal times and sizes: what younger, older, bigger and smaller say',
    config: ['younger', 'older', 'bigger', 'smaller']
      .map((method) => `group ${method} { host $1 $2; key k; include %t%/${method}; auto ${method}; }\n`)
      .join(''),
    run: async (w) => {
      const files = ['younger', 'older', 'bigger', 'smaller'];
      await w.settle((tree) => files.forEach((name) => tree.write(name, 'in sync')));
      for (const name of files) {
        w.h1.tree.write(name, '1111', { mtime: 1_700_000_001 });
        w.h2.tree.write(name, '2222', { mtime: 1_700_000_001 });
      }
      await w.run(w.h1, '-xv');
      await w.run(w.h2, '-xv');
    },
  },
  {
    name: 'forced: this side wins',
    tls: true,
    config: group(),
    run: async (w) => {
      await w.settle(start);
      change(w.h1.tree, 'one', 1_700_000_001);
      change(w.h2.tree, 'two!', 1_700_000_002);
      await w.fails(w.h1, '-xv');
      await w.ok(w.h1, ['-f', '$tree1/a']);
      assert.deepEqual(w.h1.rows().dirty, ['%25t%25/a | 1 | 127.2.1.1 | 127.2.1.2']);
      await w.ok(w.h1, '-uv');
      assert.equal(w.h2.tree.read('a'), 'one');
      w.assertInSync();
    },
  },
  {
    name: 'forced deletion',
    config: group(),
    run: async (w) => {
      await w.settle(start);
      w.h1.tree.remove('a');
      change(w.h2.tree, 'two!', 1_700_000_002);
      await w.fails(w.h1, '-xv');
      await w.ok(w.h1, ['-fr', '$tree1']);
      await w.ok(w.h1, '-uv');
      w.assertInSync();
    },
  },
  {
    name: '-F marks as forced from the start',
    config: group(),
    run: async (w) => {
      await w.settle(start);
      change(w.h1.tree, 'one', 1_700_000_001);
      change(w.h2.tree, 'two!', 1_700_000_002);
      await w.ok(w.h1, '-xFv');
      assert.equal(w.h2.tree.read('a'), 'one');
      w.assertInSync();
    },
  },
  {
    name: 'a conflict on one file does not keep the others back',
    config: group(),
    run: async (w) => {
      await w.settle(start);
      change(w.h1.tree, 'one', 1_700_000_001);
      change(w.h2.tree, 'two!', 1_700_000_002);
      w.h1.tree.write('0', 'before');
      w.h1.tree.write('z', 'after');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), ['0', 'a', 'z']);
    },
  },
  {
    name: 'younger, deleted over there: we win',
    config: group('auto younger;'),
    run: async (w) => {
      await w.settle(start);
      change(w.h1.tree, 'one', 1_700_000_005);
      w.h2.tree.remove('a');
      await w.ok(w.h2, '-cr /');
      await w.ok(w.h1, '-xv');
      w.assertInSync(1);
      assert.equal(w.h2.tree.read('a'), 'one');
    },
  },
  {
    name: 'three hosts: left wins over right whoever starts',
    hosts: 3,
    config: group('auto left;', '$1 $2 $3'),
    exempt: ['messages', 'wire'],
    why: 'whoever overrules a peer tells the others once more',
    run: async (w) => {
      await w.settle(start);
      w.hosts.forEach((host, at) => change(host.tree, `host ${at}`.padEnd(10 + at), 1_700_000_001 + at));
      await w.run(w.h2, '-xv');
      await w.run(w.h3, '-xv');
      await w.ok(w.h1, '-xv');
      for (const host of w.hosts) assert.equal(host.tree.read('a'), 'host 0    ');
    },
  },
]);

scenarios('slaves', [
  {
    name: 'a master wins against its slave',
    tls: true,
    config: group('', '$1 ($2)'),
    run: async (w) => {
      await w.settle(start);
      change(w.h1.tree, 'one', 1_700_000_001);
      change(w.h2.tree, 'two!', 1_700_000_002);
      const { stderr } = await w.ok(w.h1, '-x');
      assert.match(stderr, /Auto-resolving conflict: Won 'master\/slave' test\./);
      assert.equal(w.h2.tree.read('a'), 'one');
    },
  },
  {
    name: 'a master deletes what its slave has changed',
    config: group('', '$1 ($2)'),
    run: async (w) => {
      await w.settle(start);
      w.h1.tree.remove('a');
      change(w.h2.tree, 'two!', 1_700_000_002);
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), []);
    },
  },
  {
    name: 'a slave cannot push, and its master overwrites it',
    config: group('', '$1 ($2)'),
    run: async (w) => {
      await w.settle(start);
      change(w.h2.tree, 'two!', 1_700_000_002);
      w.h2.tree.write('new', 'new');
      await w.fails(w.h2, '-xv');
      assert.equal(w.h1.tree.read('a'), 'in sync');
      await w.run(w.h1, '-xv');
      assert.equal(w.h2.tree.read('a'), 'in sync');
    },
  },
  {
    name: 'a slave that pushes first finds nobody to take it',
    config: group('', '($1) $2'),
    run: async (w) => {
      w.h1.tree.write('a.txt', 'hello\n');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), []);
    },
  },
  {
    name: 'slaves do not send to each other',
    hosts: 3,
    config: group('', '($1 $2) $3'),
    run: async (w) => {
      await w.settle(start);
      change(w.h1.tree, 'one', 1_700_000_001);
      await w.fails(w.h1, '-xv');
      await w.run(w.h3, '-xv');
    },
  },
]);
