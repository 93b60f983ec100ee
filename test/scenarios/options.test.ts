import assert from 'node:assert/strict';
import { group, scenarios } from './harness/scenario.ts';
import type { Tree } from './harness/tree.ts';

const config = group();
const fill = (tree: Tree): void => {
  tree.mkdir('d/e');
  ['a', 'b', 'd/f', 'd/e/g'].forEach((name) => tree.write(name, name));
};

scenarios('hints and checks', [
  {
    name: 'hints: -h, -hr, -H, and a check that works them off',
    config,
    run: async (w) => {
      await w.settle();
      fill(w.h1.tree);
      await w.expect(2, w.h1, '-H');
      await w.ok(w.h1, ['-h', '$tree1/a']);
      await w.ok(w.h1, ['-hr', '$tree1/d']);
      await w.ok(w.h1, ['-h', '$tree1/d']);
      await w.ok(w.h1, ['-h', '/not/covered']);
      await w.ok(w.h1, '-H');
      await w.ok(w.h1, '-cv');
      await w.expect(2, w.h1, '-H');
      await w.ok(w.h1, '-M');
      assert.deepEqual(w.h1.rows().dirty.length, 5);
      await w.ok(w.h1, '-uv');
      assert.deepEqual(w.h2.tree.names(), ['a', 'd', 'd/e', 'd/e/g', 'd/f']);
    },
  },
  {
    name: 'a hint for a file that is gone',
    config,
    run: async (w) => {
      await w.settle(fill);
      w.h1.tree.remove('d');
      await w.ok(w.h1, ['-h', '$tree1/d/f']);
      await w.ok(w.h1, '-cv');
      await w.ok(w.h1, ['-hr', '$tree1/d']);
      await w.ok(w.h1, '-cuv');
      w.assertInSync();
    },
  },
  {
    name: '-c of one file, of a directory, and below it',
    config,
    run: async (w) => {
      await w.settle();
      fill(w.h1.tree);
      await w.ok(w.h1, ['-cv', '$tree1/a']);
      await w.ok(w.h1, ['-cv', '$tree1/d']);
      assert.equal(w.h1.rows().dirty.length, 2);
      await w.ok(w.h1, ['-cvr', '$tree1/d']);
      assert.equal(w.h1.rows().dirty.length, 5);
      await w.ok(w.h1, ['-crv', '$tree1/d/../d/./e//']);
    },
  },
  {
    name: '-c of a file behind a link in its parent',
    config,
    run: async (w) => {
      await w.settle(fill);
      w.h1.out.symlink('in', '../tree/d');
      w.h1.tree.write('d/f', 'changed', { mtime: 1_700_000_001 });
      await w.ok(w.h1, ['-cv', '$out1/in/f']);
      await w.ok(w.h1, '-M');
    },
  },
  {
    name: '-cI records without marking, -cIr below',
    config,
    run: async (w) => {
      await w.settle();
      fill(w.h1.tree);
      await w.ok(w.h1, ['-cI', '$tree1/a']);
      await w.ok(w.h1, ['-cIr', '$tree1/d']);
      assert.deepEqual(w.h1.rows().dirty, []);
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), ['b']);
    },
  },
  {
    name: '-u with names, and -ur',
    config,
    exempt: ['tree', 'file', 'dirty', 'messages', 'served', 'wire'],
    why: 'below a prefix the C program does not update a file that is named',
    run: async (w) => {
      w.h2.tree.mkdir('d/e');
      await w.settle();
      w.h1.tree.mkdir('d/e');
      fill(w.h1.tree);
      await w.ok(w.h1, '-cr /');
      await w.run(w.h1, ['-uv', '$tree1/d']);
      await w.run(w.h1, ['-urv', '$tree1/d']);
      await w.ok(w.h1, '-uv');
      w.assertInSync();
    },
  },
  {
    name: '-x with names',
    config,
    exempt: ['wire', 'tree', 'file', 'dirty', 'messages', 'served'],
    why: 'below a prefix the C program marks the named file and does not send it',
    run: async (w) => {
      await w.settle();
      fill(w.h1.tree);
      await w.ok(w.h1, ['-xv', '$tree1/a']);
      if (w.acting === 'ours') assert.deepEqual(w.h2.tree.names(), ['a']);
      await w.ok(w.h1, ['-xrv', '$tree1/d']);
      if (w.acting === 'ours') assert.deepEqual(w.h2.tree.names(), ['a', 'd', 'd/e', 'd/e/g', 'd/f']);
    },
  },
  {
    name: '-m marks for all peers, -mr the tree',
    hosts: 3,
    config: group('', '$1 $2 $3'),
    run: async (w) => {
      await w.settle(fill);
      await w.ok(w.h1, ['-mv', '$tree1/a']);
      assert.equal(w.h1.rows().dirty.length, 2);
      await w.ok(w.h1, ['-mrv', '$tree1/d']);
      assert.equal(w.h1.rows().dirty.length, 10);
      await w.ok(w.h1, '-M');
      await w.ok(w.h1, '-uv');
      w.assertInSync();
    },
  },
  {
    name: '-f forces rows that are there, -fr those below',
    config,
    run: async (w) => {
      await w.settle(fill);
      await w.ok(w.h1, ['-mr', '$tree1']);
      await w.ok(w.h1, ['-f', '$tree1/a']);
      await w.ok(w.h1, ['-f', '$tree1/not there']);
      await w.ok(w.h1, '-M');
      await w.ok(w.h1, ['-fr', '$tree1/d']);
      await w.ok(w.h1, '-M');
      await w.ok(w.h1, '-uv');
      w.assertInSync();
    },
  },
  {
    name: '-W writes the directories that hold covered files',
    config: group('exclude *.o;'),
    run: async (w) => {
      fill(w.h1.tree);
      w.h1.tree.mkdir('objects');
      w.h1.tree.write('objects/x.o', 'o');
      await w.h1.run(['-cr', '-W', '7', '/'], { redirect: `7>'${w.h1.out.path('dirs')}'` });
      const dirs = new Set((w.h1.out.read('dirs') ?? '').split('\0'));
      w.h1.out.write('dirs', [...dirs].sort().join('\n'));
      await w.run(w.h1, '-M');
      assert.deepEqual([...dirs].sort(), ['', '%t%', '%t%/d', '%t%/d/e', '%t%/objects']);
    },
  },
]);

scenarios('lists', [
  {
    name: '-L, -M, -H, -S: lines and exit codes',
    config,
    run: async (w) => {
      for (const list of ['-L', '-M', '-H', '-S $1 $2']) await w.expect(2, w.h1, list);
      fill(w.h1.tree);
      await w.ok(w.h1, '-cr /');
      await w.ok(w.h1, ['-h', '$tree1/a']);
      for (const list of ['-L', '-M', '-H', '-S $1 $2']) await w.ok(w.h1, list);
      await w.run(w.h1, '-S $1 127.2.1.9');
      await w.run(w.h1, '-S $2 $1');
    },
  },
  {
    name: '-o prints what the configuration covers',
    config: group('exclude *.o %t%/d/e;'),
    run: async (w) => {
      fill(w.h1.tree);
      w.h1.tree.write('x.o', 'o');
      await w.run(w.h1, '-or /');
      await w.run(w.h1, ['-o', '$tree1/a', '$tree1/x.o']);
      await w.run(w.h1, ['-or', '$tree1/d']);
      await w.run(w.h1, '-or / -P $2');
    },
  },
]);

scenarios('modifiers', [
  {
    name: '-B, -A, -a, -t, -vvvv: the same result',
    config,
    run: async (w) => {
      await w.settle();
      let at = 0;
      for (const option of ['-xB', '-xA', '-xt', '-xvvvv']) {
        w.h1.tree.write('a', `content ${at++}`, { mtime: 1_700_000_000 + at });
        const { code } = await w.h1.run([option]);
        assert.equal(code, 0);
      }
      await w.h2.settle();
      w.assertInSync();
    },
  },
  {
    name: '-s appends time stamps to a file',
    config,
    exempt: ['out'],
    why: 'the stamps are times',
    run: async (w) => {
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, ['-xv', '-s', '$out1/stamps']);
      const lines = w.h1.out.lines('stamps');
      assert.ok(lines.length > 0);
    },
  },
  {
    name: '-C name: another configuration and database on both sides',
    run: async (w) => {
      w.configureExactly('this is not a configuration');
      const text = w.fill(`nossl * *;\nprefix t { on $1: $tree1; on $2: $tree2; }\n${group()}`);
      for (const host of w.hosts) host.configure(text, 'csync2_other.cfg');
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv -C other');
      assert.deepEqual(w.h2.tree.names(), ['a']);
      assert.match(w.h1.database, /127\.2\.1\.1_other\.db3$/);
      assert.match(w.h2.database, /127\.2\.1\.2_other\.db3$/);
      await w.fails(w.h1, '-xv -C Bad_Name');
    },
  },
  {
    name: 'the peer has no configuration of that name',
    config,
    // We answer where the C program hangs up.
    exempt: ['wire'],
    run: async (w) => {
      const text = w.fill(`nossl * *;\nprefix t { on $1: $tree1; on $2: $tree2; }\n${group()}`);
      w.h1.configure(text, 'csync2_other.cfg');
      w.h1.tree.write('a', 'a');
      await w.fails(w.h1, '-xv -C other');
      assert.ok(w.h1.rows().dirty.length > 0);
    },
  },
  {
    name: 'forms of the database option and of the configuration statement',
    run: async (w) => {
      w.configure(`database $root/h1/db;\n${group()}`);
      w.h1.tree.write('a', 'a');
      const own = ['-N', w.h1.name, '-p', String(w.port)];
      await w.ok(w.h1, [...own, '-cr', '/'], { raw: true });
      await w.ok(w.h1, [...own, '-D', 'sqlite3://$root/h1/db/127.2.1.1.db3', '-L'], { raw: true });
      await w.ok(w.h1, [...own, '-D', '$root/h1/db', '-M'], { raw: true });
      await w.ok(w.h1, [...own, '-D$root/h1/db', '-uv'], { raw: true });
    },
  },
  {
    name: 'bundled options and arguments that stick to them',
    config,
    run: async (w) => {
      await w.settle();
      fill(w.h1.tree);
      await w.ok(w.h1, '-vcIr /');
      await w.expect(2, w.h1, '-M');
      await w.ok(w.h1, ['-rm', '$tree1']);
      await w.ok(w.h1, ['-uP$2', '-v']);
      w.assertInSync();
    },
  },
]);
