import assert from 'node:assert/strict';
import { group, scenarios } from './harness/scenario.ts';
import type { Tree } from './harness/tree.ts';

const fill = (tree: Tree): void => {
  tree.mkdir('d/e');
  tree.mkdir('.git');
  for (const name of ['a.c', 'a.o', '.hidden', 'd/b.c', 'd/b.o', 'd/e/c.c', 'd/e/core', '.git/config', 'x~']) {
    tree.write(name, name);
  }
};

/** Patterns that include files and not their directory. */
const orphans = /include %t%\/d\/(e|\*);/;

/** A group with these patterns, everything of the first host sent to the empty second one. */
function sends(patterns: string, ...expected: string[]): Parameters<typeof scenarios>[1][number] {
  return {
    name: patterns,
    config: `group g { host $1 $2; key k; ${patterns} }`,
    exempt: orphans.test(patterns) ? ['code', 'messages', 'wire'] : [],
    why: 'the C client does not count files whose directory is missing there for want of a pattern',
    run: async (w) => {
      fill(w.h1.tree);
      await w.settle(() => undefined);
      w.h1.alter('DELETE FROM file');
      await w.run(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names().sort(), expected.sort());
      await w.run(w.h1, ['-or', '/']);
      await w.run(w.h1, '-L');
    },
  };
}

scenarios('patterns', [
  sends('include %t%; exclude *.o *~;', '.git', '.git/config', '.hidden', 'a.c', 'd', 'd/b.c', 'd/e', 'd/e/c.c', 'd/e/core'), // prettier-ignore
  sends('include %t%; exclude *; include *.c d e;'),
  sends('include %t%; exclude %t%/d; include %t%/d/e;', '.git', '.git/config', '.hidden', 'a.c', 'a.o', 'x~'),
  sends('include %t%/*.c;', 'a.c'),
  sends('include %t%/**.c;', 'a.c'),
  sends('include %t%/d/*;'),
  sends('include %t%; exclude .*;', 'a.c', 'a.o', 'd', 'd/b.c', 'd/b.o', 'd/e', 'd/e/c.c', 'd/e/core', 'x~'),
  sends('include %t%/; exclude %t%/d/e/;', '.git', '.git/config', '.hidden', 'a.c', 'a.o', 'd', 'd/b.c', 'd/b.o', 'x~'),
  sends('include %t%/[a-d]*; exclude [!a-d]*;', 'a.c', 'a.o', 'd', 'd/b.c', 'd/b.o'),
  {
    name: 'a file that no group covers draws a warning',
    config: group('exclude *.o;'),
    exempt: ['tree', 'file', 'dirty', 'messages', 'served', 'wire'],
    why: 'below a prefix the C program does not send a file that is named',
    run: async (w) => {
      await w.settle();
      w.h1.tree.write('a.o', 'o');
      w.h1.tree.write('a.c', 'c');
      const { stderr } = await w.run(w.h1, ['-x', '$tree1/a.o', '/nowhere/else', '$tree1/a.c']);
      assert.match(stderr, /Parameter will be ignored: .*a\.o/);
      assert.match(stderr, /Parameter will be ignored: \/nowhere\/else/);
      await w.run(w.h1, '-uv');
      assert.deepEqual(w.h2.tree.names(), ['a.c']);
    },
  },
  {
    name: 'compare patterns count in compare mode only',
    config: `group g { host $1 $2; key k; include %t%/a.c; compare %t%/d; exclude *.o; }`,
    run: async (w) => {
      fill(w.h1.tree);
      await w.run(w.h1, '-or /');
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), ['a.c']);
      await w.run(w.h1, '-or / -P $2');
      await w.run(w.h1, '-or / -P 127.2.1.9');
    },
  },
  {
    name: 'a file that has been excluded since keeps its row until -R',
    config: group(),
    exempt: ['messages', 'wire'],
    why: 'the C client connects to find nothing to send',
    run: async (w) => {
      await w.settle(fill);
      w.h1.tree.write('x~', 'changed', { mtime: 1_700_000_001 });
      await w.ok(w.h1, '-cr /');
      w.configure(group('exclude *~;'));
      await w.run(w.h1, '-L');
      await w.run(w.h1, '-M');
      await w.ok(w.h1, '-uv');
      await w.ok(w.h1, '-R');
      await w.fails(w.h1, '-R -G g');
      assert.ok(!w.h1.rows().file.some((row) => row.includes('x~')));
      assert.deepEqual(w.h1.rows().dirty, []);
    },
  },
  {
    name: 'ignore uid, gid and mod',
    run: async (w) => {
      w.configure(`ignore uid gid mod;\n${group()}`);
      w.h1.tree.write('a', 'a', { mode: 0o600, uid: 7, gid: 8 });
      await w.ok(w.h1, '-xv');
      await w.run(w.h1, '-L');
      w.h1.tree.set('a', { mode: 0o644, uid: 9, gid: 10 });
      const { stderr } = await w.ok(w.h1, '-xv');
      assert.doesNotMatch(stderr, /Updating/);
      w.h1.tree.write('a', 'b', { mode: 0o611, mtime: 1_700_000_001 });
      await w.ok(w.h1, '-xv');
      assert.equal(w.h2.tree.read('a'), 'b');
    },
  },
  {
    name: 'ignore on one side only',
    run: async (w) => {
      w.configure(group());
      w.h2.configure(w.fill(`nossl * *;\nignore uid mod;\nprefix t { on $2: $tree2; }\n${group()}`));
      w.h1.tree.write('a', 'a', { mode: 0o600, uid: 7, gid: 8 });
      await w.run(w.h1, '-xv');
      await w.run(w.h1, '-T');
    },
    only: (pairing) => pairing.acting === 'c' || pairing.others === 'c',
    why: 'two hosts of ours do not take for a conflict what differs only in what one of them ignores',
  },
  {
    name: 'what one of two hosts ignores makes no difference to it',
    reference: false,
    only: (pairing) => pairing.acting === 'ours' && pairing.others === 'ours',
    why: 'for the C program the metadata is different each time, which is a conflict with what the other has not recorded yet',
    run: async (w) => {
      w.configure(group());
      w.h2.configure(w.fill(`nossl * *;\nignore uid mod;\nprefix t { on $2: $tree2; }\n${group()}`));
      for (const host of [w.h1, w.h2]) host.tree.write('a', 'a', { mode: host === w.h1 ? 0o600 : 0o640 });
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h1.rows().dirty, []);
      assert.deepEqual(w.h2.tree.snapshot(), ['a file 640 0:0 1700000000 "a"']);
    },
  },
]);
