import assert from 'node:assert/strict';
import { type Scenario, group, scenarios } from './harness/scenario.ts';
import type { Tree } from './harness/tree.ts';

const config = group();

/** What can stand under one name. */
const kinds: Readonly<Record<string, (tree: Tree, name: string) => void>> = {
  nothing: () => undefined,
  file: (tree, name) => tree.write(name, 'content\n'),
  'empty directory': (tree, name) => tree.mkdir(name),
  'full directory': (tree, name) => {
    tree.mkdir(`${name}/sub`);
    tree.write(`${name}/in`, 'in');
    tree.write(`${name}/sub/deep`, 'deep');
  },
  link: (tree, name) => tree.symlink(name, 'target'),
  'link to a directory': (tree, name) => tree.symlink(name, '.'),
  fifo: (tree, name) => tree.fifo(name, { mode: 0o640 }),
};

const names = Object.keys(kinds);
/** The C program does not see that a link under a prefix points elsewhere: another scenario is about that. */
const others = (kind: string): string[] =>
  names.filter((name) => name !== kind && !(name.startsWith('link') && kind.startsWith('link')));

/** Both hosts hold this kind under many names; the first one then holds every other kind instead. */
function replacements(before: string): Scenario {
  return {
    name: `${before} becomes something else`,
    config,
    run: async (w) => {
      await w.settle((tree) => others(before).forEach((after) => kinds[before]?.(tree, `to ${after}`)));
      for (const after of others(before)) {
        if (before !== 'nothing') w.h1.tree.remove(`to ${after}`);
        kinds[after]?.(w.h1.tree, `to ${after}`);
      }
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  };
}

/** The second host has something at each name that nobody has recorded. */
function surprises(ours: string): Scenario {
  return {
    name: `${ours} sent to where something unknown stands`,
    config,
    run: async (w) => {
      await w.settle();
      for (const theirs of others(ours)) {
        kinds[theirs]?.(w.h2.tree, `to ${theirs}`);
        kinds[ours]?.(w.h1.tree, `to ${theirs}`);
      }
      await w.run(w.h1, '-xv');
      await w.run(w.h2, '-cr /');
    },
  };
}

scenarios('replacements', names.map(replacements));

scenarios('surprises', [
  ...names.filter((name) => name !== 'nothing' && name !== 'full directory').map(surprises),
  {
    name: 'a full directory sent to where something unknown stands: nothing leaves the tree',
    config,
    exempt: ['tree', 'file', 'dirty', 'messages', 'served', 'wire'],
    why: 'the C server writes through links to directories, and the C client starts over and forgets errors',
    run: async (w) => {
      await w.settle();
      for (const theirs of others('full directory')) {
        kinds[theirs]?.(w.h2.tree, `to ${theirs}`);
        kinds['full directory']?.(w.h1.tree, `to ${theirs}`);
      }
      await w.fails(w.h1, '-xv');
      const has = (name: string): boolean => w.h2.tree.names().includes(name);
      assert.ok(has('to nothing/sub/deep') && has('to empty directory/sub/deep'));
      assert.ok(!has('to file/in') && !has('to fifo/in'));
      if (w.pairing.others === 'ours') assert.ok(!has('in') && !has('sub'));
    },
  },
]);

scenarios('file types', [
  {
    name: 'symbolic links: relative, absolute, dangling, with odd targets',
    config,
    run: async (w) => {
      await w.settle();
      w.h1.tree.symlink('relative', 'some/target');
      w.h1.tree.symlink('absolute', '/etc/passwd');
      w.h1.tree.symlink('odd', 'sp ace/%t%/\xe9\xff\n"quote"');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'retargeted links under a prefix',
    config,
    exempt: ['tree', 'messages', 'served', 'wire'],
    why: 'the C program does not record the targets of links under a prefix, and so does not notice',
    run: async (w) => {
      await w.settle((tree) => tree.symlink('l', 'first'));
      w.h1.tree.remove('l');
      w.h1.tree.symlink('l', 'second');
      await w.ok(w.h1, '-xv');
      if (w.acting === 'ours') w.assertInSync();
    },
  },
  {
    name: 'fifo: mode and time',
    config,
    run: async (w) => {
      await w.settle();
      w.h1.tree.fifo('ff', { mode: 0o640 });
      await w.ok(w.h1, '-xv');
      w.h1.tree.set('ff', { mode: 0o600, mtime: 1_700_000_002 });
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'device nodes are recreated with their numbers',
    config,
    root: true,
    exempt: ['code', 'tree', 'messages', 'served', 'file', 'dirty', 'wire'],
    why: 'the C client sends no device number; ours sends the one that the server reads',
    run: async (w) => {
      await w.settle();
      w.h1.tree.device('null', 'c', 1, 3, { mode: 0o666 });
      w.h1.tree.device('loop', 'b', 7, 200);
      await w.run(w.h1, '-xv');
      if (w.acting === 'ours') w.assertInSync();
    },
  },
  {
    name: 'sockets are recorded and not pushed',
    config,
    exempt: ['code', 'messages', 'served', 'dirty', 'file', 'wire'],
    why: 'the C client keeps them dirty for ever',
    run: async (w) => {
      await w.settle();
      await w.h1.tree.socket('s');
      w.h1.tree.write('a', 'a');
      await w.run(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), ['a']);
      if (w.acting === 'ours') assert.deepEqual(w.h1.rows().dirty, []);
    },
  },
  {
    name: 'a deep tree',
    config,
    run: async (w) => {
      await w.settle();
      const path = Array.from({ length: 60 }, (_, at) => `level${at}`).join('/');
      w.h1.tree.mkdir(path);
      w.h1.tree.write(`${path}/leaf`, 'leaf');
      await w.ok(w.h1, '-xv');
      w.h1.tree.remove('level0/level1');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'set-user-id, set-group-id and sticky bits with other owners',
    config,
    root: true,
    run: async (w) => {
      await w.settle();
      w.h1.tree.mkdir('d', { uid: 100, gid: 200, mode: 0o3775 });
      w.h1.tree.write('d/f', 'f', { uid: 100, gid: 200, mode: 0o6711 });
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'a file for a directory that keeps files of others is refused, and the next file goes on',
    config: group('exclude *.keep;'),
    only: (pairing) => pairing.others === 'ours',
    why: 'the C server hangs',
    run: async (w) => {
      await w.settle((tree) => tree.mkdir('x'));
      w.h2.tree.write('x/a.keep', 'kept');
      w.h1.tree.remove('x');
      w.h1.tree.write('x', 'x');
      w.h1.tree.write('y', 'y');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), ['x', 'x/a.keep', 'y']);
      assert.equal(w.h1.rows().dirty.length, 1);
    },
  },
  {
    name: 'hard links are separate files on the peer',
    config,
    run: async (w) => {
      await w.settle();
      w.h1.tree.write('one', 'same');
      w.h1.tree.hardlink('two', 'one');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'a directory behind a link is not there',
    config,
    run: async (w) => {
      await w.settle((tree) => {
        tree.mkdir('real');
        tree.write('real/f', 'f');
      });
      w.h1.tree.rename('real', 'moved');
      w.h1.tree.symlink('real', 'moved');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
]);

scenarios('without a prefix', [
  {
    name: 'links and their targets are recorded; retargeting is noticed',
    root: true,
    run: async (w) => {
      for (const host of w.hosts) host.mounts = [{ from: host.tree.root, to: w.common }];
      w.configureExactly(`nossl * *;\ngroup g { host $1 $2; key k; include $root/common; }\n`);
      w.h1.tree.symlink('l', 'first');
      w.h1.tree.write('f', 'f');
      await w.ok(w.h1, '-xv');
      w.h1.tree.remove('l');
      w.h1.tree.symlink('l', 'second');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      assert.ok(w.h2.rows().file.some((row) => row.includes('target%3D') || row.includes('target=second')));
    },
  },
]);
