import assert from 'node:assert/strict';
import { group, scenarios } from './harness/scenario.ts';
import type { World } from './harness/world.ts';

const config = group();

/** `a.txt` differs, `l.txt` is here only, `r.txt` there only, `same` is equal. */
async function apart(w: World): Promise<void> {
  w.h1.tree.write('a.txt', 'one!\n', { mtime: 1_700_000_005 });
  w.h1.tree.write('l.txt', 'l\n');
  w.h2.tree.write('a.txt', 'hello\n');
  w.h2.tree.write('r.txt', 'r\n');
  await w.settle((tree) => tree.write('same', 'same'));
}

const pair = ['$1', '$2'];

scenarios('comparing with -T', [
  {
    name: '-T lists what differs',
    tls: true,
    config,
    run: async (w) => {
      await apart(w);
      const { stdout } = await w.ok(w.h1, '-Tv');
      const lines = ['X\t127.2.1.1\t127.2.1.2\t%t%/a.txt', 'L\t127.2.1.1\t127.2.1.2\t%t%/l.txt'];
      lines.push('R\t127.2.1.1\t127.2.1.2\t%t%/r.txt');
      for (const line of lines) assert.ok(stdout.includes(`${line}\n`), line);
    },
  },
  {
    name: '-T of hosts in sync: exit code 2',
    tls: true,
    config,
    run: async (w) => {
      await w.settle((tree) => tree.write('same', 'same'));
      const { stdout } = await w.expect(2, w.h1, '-T');
      assert.equal(stdout, '');
    },
  },
  {
    name: '-T for one pair, for a file, and for both',
    config,
    run: async (w) => {
      await apart(w);
      await w.ok(w.h1, ['-Tv', ...pair]);
      await w.run(w.h1, ['-Tv', '$tree1/a.txt']);
      await w.run(w.h1, ['-Tv', '$tree1/same']);
      await w.run(w.h1, ['-Tv', ...pair, '$tree1/l.txt']);
      await w.run(w.h1, ['-Tv', ...pair, '$tree1']);
      await w.run(w.h1, ['-Tv', '$1', '127.2.1.9']);
      await w.run(w.h1, ['-Tv', '$2', '$1']);
    },
  },
  {
    name: '-TT shows unified diffs',
    config,
    run: async (w) => {
      await apart(w);
      const { stdout } = await w.run(w.h1, '-TT');
      assert.match(
        stdout,
        /^--- 127\.2\.1\.2:%t%\/a\.txt\n\+\+\+ 127\.2\.1\.1:%t%\/a\.txt\n@@ -1 \+1 @@\n-hello\n\+one!$/m,
      );
    },
  },
  {
    name: '-TT of directories, links and files without a last newline',
    config,
    run: async (w) => {
      w.h1.tree.mkdir('d');
      w.h1.tree.symlink('l', 'here');
      w.h1.tree.write('f', 'no newline');
      w.h2.tree.write('d', 'a file\n');
      w.h2.tree.write('l', 'a file\n');
      w.h2.tree.write('f', 'other');
      await w.settle();
      await w.run(w.h1, '-TT');
    },
  },
  {
    name: '-TI marks what differs or is here only',
    config,
    run: async (w) => {
      await apart(w);
      await w.run(w.h1, '-TIv');
      const dirty = w.h1.rows().dirty.map((row) => row.split(' ')[0]);
      assert.deepEqual(dirty, ['%25t%25/a.txt', '%25t%25/l.txt']);
      await w.run(w.h1, '-uv');
      await w.run(w.h1, '-T');
    },
  },
  {
    name: '-TIX also marks what is there only: the update removes it there',
    config,
    run: async (w) => {
      await apart(w);
      await w.run(w.h1, '-TIXv');
      await w.run(w.h1, '-uv');
      w.assertInSync();
      await w.expect(2, w.h1, '-T');
    },
  },
  {
    name: '-TI marks for all peers, -TIU for the compared one only',
    hosts: 3,
    config: group('', '$1 $2 $3'),
    run: async (w) => {
      await apart(w);
      await w.run(w.h1, ['-TIU', ...pair]);
      assert.ok(w.h1.rows().dirty.every((row) => row.endsWith('127.2.1.2')));
      await w.run(w.h1, ['-TI', ...pair]);
      assert.ok(w.h1.rows().dirty.some((row) => row.endsWith('127.2.1.3')));
    },
  },
  {
    name: '-T against two peers and two groups',
    exempt: ['stdout'],
    why: 'the C program loses lines at the end of a list',
    hosts: 3,
    config: `group g1 { host $1 $2; key k; include %t%/*.txt; }
      group g2 { host $1 $3; key k2; include %t%/same; }`,
    run: async (w) => {
      await apart(w);
      w.h3.alter('DELETE FROM file');
      await w.run(w.h1, '-T');
      await w.run(w.h1, '-T -G g1');
      await w.run(w.h1, '-T -P $3');
    },
  },
  {
    name: '-T with a peer that is down',
    config,
    run: async (w) => {
      await apart(w);
      await w.h2.goDown();
      await w.fails(w.h1, '-Tv');
    },
  },
  {
    name: '-T takes equal links under a prefix for equal, whoever recorded them',
    config,
    run: async (w) => {
      await w.settle((tree) => tree.symlink('l', 'one'));
      await w.expect(2, w.h1, '-T');
    },
  },
  {
    name: '-T sees links with other targets where both have recorded them',
    config,
    only: ({ acting, others }) => acting === 'ours' && others === 'ours',
    why: 'the C program records no targets under a prefix',
    run: async (w) => {
      w.h1.tree.symlink('l', 'one');
      w.h2.tree.symlink('l', 'two');
      await w.settle();
      await w.expect(0, w.h1, '-T');
    },
  },
  {
    name: '-T orders names by their encoded bytes and loses none',
    config,
    exempt: ['stdout'],
    why: 'the C program orders one side by decoded names and reports lines that do not differ',
    run: async (w) => {
      const names = ['a b', 'a!b', 'a/x', 'a.txt', 'a%b', 'ab', 'a:b', 'a\x7fb', 'a\xe9'];
      await w.settle((tree) => {
        tree.mkdir('a');
        names.forEach((name) => tree.write(name, name));
      });
      await w.run(w.h1, '-T');
      if (w.acting === 'ours' && w.pairing.others === 'ours') assert.equal(w.steps.at(-1)?.code, 2);
    },
  },
]);
