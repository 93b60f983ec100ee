import assert from 'node:assert/strict';
import { group, scenarios } from './harness/scenario.ts';
import type { Tree } from './harness/tree.ts';

const config = group();
const hello = (tree: Tree): void => tree.write('a.txt', 'hello\n');

scenarios('basic', [
  {
    name: 'new file: content, mode, owner and time arrive',
    tls: true,
    config,
    run: async (w) => {
      await w.settle();
      w.h1.tree.write('a.txt', 'hello\n', { mode: 0o640, uid: 12, gid: 34 });
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.snapshot(), ['a.txt file 640 12:34 1700000000 "hello\\n"']);
      w.assertInSync();
    },
  },
  {
    name: 'first contact: the whole tree is sent from an empty database',
    tls: true,
    config,
    run: async (w) => {
      w.h1.tree.mkdir('d/e', { mode: 0o750 });
      w.h1.tree.write('d/e/f', 'x'.repeat(10_000));
      w.h1.tree.symlink('d/to', '../nowhere');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      assert.equal(w.h2.rows().file.length, 5);
    },
  },
  {
    name: 'changed file: the new content, size and time arrive',
    tls: true,
    config,
    run: async (w) => {
      await w.settle(hello);
      w.h1.tree.write('a.txt', 'hello world\n', { mtime: 1_700_000_005 });
      await w.ok(w.h1, '-xv');
      assert.equal(w.h2.tree.read('a.txt'), 'hello world\n');
      w.assertInSync();
    },
  },
  {
    name: 'changed file: many blocks, insertions and removals',
    tls: true,
    config,
    run: async (w) => {
      const block = (at: number): string => `${at}:`.repeat(1000);
      const whole = Array.from({ length: 40 }, (_, at) => block(at)).join('');
      await w.settle((tree) => tree.write('big', whole));
      w.h1.tree.write('big', `new ${whole.slice(5000, 30_000)}insert${whole.slice(30_000)}end`, {
        mtime: 1_700_000_001,
      });
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'deleted file: is deleted on the peer',
    tls: true,
    config,
    run: async (w) => {
      await w.settle(hello);
      w.h1.tree.remove('a.txt');
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), []);
      w.assertInSync();
    },
  },
  {
    name: 'deleted file that the peer does not have either',
    config,
    run: async (w) => {
      await w.settle(hello);
      w.h1.tree.remove('a.txt');
      w.h2.tree.remove('a.txt');
      await w.ok(w.h2, '-cIr /');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'new directory tree',
    config,
    run: async (w) => {
      await w.settle();
      w.h1.tree.mkdir('d', { mode: 0o711, uid: 3 });
      w.h1.tree.mkdir('d/e', { mode: 0o1777 });
      w.h1.tree.write('d/e/f', 'f', { mode: 0o600 });
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'deleted directory tree: the deepest first',
    tls: true,
    config,
    run: async (w) => {
      await w.settle((tree) => {
        tree.mkdir('d/e');
        tree.write('d/e/f', 'f');
      });
      w.h1.tree.remove('d');
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), []);
      w.assertInSync();
    },
  },
  {
    name: 'deleted directory that holds more files on the peer stays there',
    config,
    exempt: ['served'],
    why: 'the C server logs an update that failed',
    run: async (w) => {
      await w.settle((tree) => {
        tree.mkdir('d');
        tree.write('d/f', 'f');
      });
      w.h1.tree.remove('d');
      w.h2.tree.write('d/only here', 'x');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), ['d', 'd/only here']);
    },
  },
  {
    name: 'empty file, and a file that becomes empty',
    config,
    run: async (w) => {
      await w.settle(hello);
      w.h1.tree.write('z', '');
      w.h1.tree.write('a.txt', '', { mtime: 1_700_000_003 });
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'mode alone changes',
    config,
    run: async (w) => {
      await w.settle(hello);
      w.h1.tree.set('a.txt', { mode: 0o4755 });
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.snapshot(), ['a.txt file 4755 0:0 1700000000 "hello\\n"']);
      w.assertInSync();
    },
  },
  {
    name: 'owner and group alone change',
    config,
    run: async (w) => {
      await w.settle(hello);
      w.h1.tree.set('a.txt', { uid: 1234, gid: 5678 });
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'time alone changes: only the time is sent',
    config,
    run: async (w) => {
      await w.settle(hello);
      w.h1.tree.set('a.txt', { mtime: 1_700_000_009 });
      const { stderr } = await w.ok(w.h1, '-xv');
      assert.match(stderr, /File is already up to date on peer\./);
      w.assertInSync();
    },
  },
  {
    name: 'times before 1970 and after 2038',
    config,
    run: async (w) => {
      await w.settle();
      w.h1.tree.write('old', 'o', { mtime: -86_400 });
      w.h1.tree.write('new', 'n', { mtime: 4_000_000_000 });
      await w.run(w.h1, '-xv');
    },
  },
  {
    name: 'same size and time, other content: not noticed',
    config,
    run: async (w) => {
      await w.settle(hello);
      w.h1.tree.write('a.txt', 'HELLO\n');
      await w.ok(w.h1, '-xv');
      assert.equal(w.h2.tree.read('a.txt'), 'hello\n');
    },
  },
  {
    name: 'nothing changed: the peer is not even asked',
    tls: true,
    config,
    run: async (w) => {
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv');
      const { stderr } = await w.ok(w.h1, '-xv');
      assert.doesNotMatch(stderr, /Connecting/);
      await w.ok(w.h2, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'back and forth: each host sends its own changes',
    tls: true,
    config,
    run: async (w) => {
      w.h1.tree.write('a', 'one');
      await w.ok(w.h1, '-xv');
      w.h2.tree.write('a', 'two', { mtime: 1_700_000_010 });
      w.h2.tree.write('b', 'b');
      await w.ok(w.h2, '-xv');
      w.h1.tree.remove('b');
      w.h1.tree.write('a', 'three', { mtime: 1_700_000_020 });
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.snapshot(), ['a file 644 0:0 1700000020 "three"']);
      w.assertInSync();
    },
  },
  {
    name: 'dry run tells and changes nothing',
    config,
    run: async (w) => {
      await w.settle((tree) => {
        hello(tree);
        tree.write('gone', 'g');
      });
      w.h1.tree.write('a.txt', 'hello world\n', { mtime: 1_700_000_005 });
      w.h1.tree.write('n', 'n');
      w.h1.tree.remove('gone');
      const before = w.h2.tree.snapshot();
      const { stdout } = await w.ok(w.h1, '-xdv');
      assert.match(stdout, /^\?M: 127\.2\.1\.2 {7}%t%\/a\.txt$/m);
      assert.deepEqual(w.h2.tree.snapshot(), before);
    },
  },
  {
    name: 'dry run of a changed time',
    config,
    exempt: ['tree', 'file', 'wire'],
    why: 'the C client sends the time even so; ours never changes the peer in a dry run',
    run: async (w) => {
      await w.settle(hello);
      w.h1.tree.set('a.txt', { mtime: 1_700_000_005 });
      await w.ok(w.h1, '-xdv');
      if (w.acting === 'ours') assert.match(w.h2.tree.snapshot().join(), / 1700000000 /);
    },
  },
]);
