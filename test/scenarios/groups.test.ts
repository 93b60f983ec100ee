import assert from 'node:assert/strict';
import { group, scenarios } from './harness/scenario.ts';

const three = group('', '$1 $2 $3');

scenarios('several hosts', [
  {
    name: 'three hosts: a change reaches both others',
    tls: true,
    hosts: 3,
    config: three,
    run: async (w) => {
      await w.settle((tree) => tree.write('a', 'a'));
      w.h1.tree.write('a', 'changed', { mtime: 1_700_000_001 });
      w.h1.tree.write('n', 'new');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'four hosts: every one sends its own file',
    hosts: 4,
    config: group('', '$1 $2 $3 $4'),
    run: async (w) => {
      await w.settle();
      w.hosts.forEach((host, at) => host.tree.write(`from ${at}`, String(at)));
      for (const host of w.hosts) await w.ok(host, '-xv');
      w.assertInSync();
      assert.equal(w.h1.tree.names().length, 4);
    },
  },
  {
    name: 'what was received is not passed on',
    hosts: 3,
    config: three,
    run: async (w) => {
      await w.settle();
      await w.h3.goDown();
      w.h1.tree.write('a', 'a');
      await w.fails(w.h1, '-xv');
      await w.h3.comeUp();
      await w.ok(w.h2, '-xv');
      assert.deepEqual(w.h3.tree.names(), []);
      await w.ok(w.h1, '-uv');
      w.assertInSync();
    },
  },
  {
    name: 'a peer that is down: the others get the file, and its row waits',
    tls: true,
    hosts: 3,
    config: three,
    run: async (w) => {
      await w.settle();
      await w.h2.goDown();
      w.h1.tree.write('a', 'a');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h3.tree.names(), ['a']);
      assert.deepEqual(w.h1.rows().dirty, ['%25t%25/a | 0 | 127.2.1.1 | 127.2.1.2']);
      await w.h2.comeUp();
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'a peer that drops every connection: the others get the file',
    hosts: 3,
    config: three,
    run: async (w) => {
      await w.settle();
      w.h2.broken = true;
      w.h1.tree.write('a', 'a');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h3.tree.names(), ['a']);
      w.h2.broken = false;
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: '-P sends to the named peers only, the rest stays dirty',
    hosts: 3,
    config: three,
    run: async (w) => {
      await w.settle();
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv -P $3');
      assert.deepEqual(w.h2.tree.names(), []);
      assert.deepEqual(w.h3.tree.names(), ['a']);
      await w.ok(w.h1, '-uv -P $1,$2');
      w.assertInSync();
    },
  },
  {
    name: 'the same change arrives from two hosts',
    hosts: 3,
    config: three,
    run: async (w) => {
      await w.settle((tree) => tree.write('a', 'a'));
      for (const host of [w.h1, w.h2]) host.tree.write('a', 'same change', { mtime: 1_700_000_001 });
      await w.ok(w.h1, '-xv');
      await w.ok(w.h2, '-xv');
      w.assertInSync();
    },
  },
]);

scenarios('several groups', [
  {
    name: 'each group has its own members, keys and files',
    hosts: 3,
    config: `group left { host $1 $2; key k; include %t%/left; }
      group right { host $1 $3; key k2; include %t%/right; }
      group all { host $1 $2 $3; key k3; include %t%/all; }`,
    run: async (w) => {
      await w.settle();
      for (const name of ['left', 'right', 'all', 'none']) {
        w.h1.tree.mkdir(name);
        w.h1.tree.write(`${name}/f`, name);
      }
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), ['all', 'all/f', 'left', 'left/f']);
      assert.deepEqual(w.h3.tree.names(), ['all', 'all/f', 'right', 'right/f']);
      w.h2.tree.write('all/f', 'changed', { mtime: 1_700_000_001 });
      w.h2.tree.write('left/f', 'changed', { mtime: 1_700_000_001 });
      await w.ok(w.h2, '-xv');
      assert.equal(w.h3.tree.read('all/f'), 'changed');
    },
  },
  {
    name: 'a file that two groups cover is sent once',
    config: `group one { host $1 $2; key k; include %t%/*; }
      group two { host $1 $2; key k2; include %t%/a; }`,
    run: async (w) => {
      w.h1.tree.write('a', 'a');
      const { stderr } = await w.ok(w.h1, '-xv');
      assert.equal(stderr.match(/^Updating %t%\/a /gm)?.length, 1);
      assert.equal(w.h2.tree.read('a'), 'a');
    },
  },
  {
    name: '-G restricts check and update to some groups',
    config: `group g1 { host $1 $2; key k; include %t%/a; }
      group g2 { host $1 $2; key k2; include %t%/b; }`,
    exempt: ['wire'],
    why: 'the GROUP command of the C server works on the wrong groups',
    run: async (w) => {
      w.h1.tree.write('a', 'a');
      w.h1.tree.write('b', 'b');
      await w.ok(w.h1, '-xv -G g1');
      assert.deepEqual(w.h2.tree.names(), ['a']);
      await w.ok(w.h1, '-xv -G g1,g2');
      assert.deepEqual(w.h2.tree.names(), ['a', 'b']);
    },
  },
  {
    name: 'group without a name, and a group of strangers',
    config: `group { host $1 $2; key k; include %t%; }
      group strangers { host 127.2.1.8 127.2.1.9; key k2; include /etc; }`,
    run: async (w) => {
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'a slave in one group, a master in another',
    config: `group down { host $1 ($2); key k; include %t%/down; }
      group up { host $2 ($1); key k2; include %t%/up; }`,
    run: async (w) => {
      await w.settle((tree) => {
        tree.write('down', 'd');
        tree.write('up', 'u');
      });
      for (const name of ['down', 'up']) {
        w.h1.tree.write(name, 'from one', { mtime: 1_700_000_001 });
      }
      await w.fails(w.h1, '-xv');
      assert.equal(w.h2.tree.read('down'), 'from one');
      assert.equal(w.h2.tree.read('up'), 'u');
      await w.ok(w.h2, '-xv -F');
    },
  },
]);

const hostNames = '# as seen by each other\n';

scenarios('prefixes and names', [
  {
    name: 'prefixes that differ in depth and name per host',
    hosts: 3,
    run: async (w) => {
      w.configureExactly(`nossl * *;\n${hostNames}group g { host $1 $2 $3; key k; include %p%; exclude %p%/private; }
        prefix p { on $1: $tree1/deep/er; on $2: $tree2; on 127.2.1.*: $tree3/x; }\n`);
      w.h1.tree.mkdir('deep/er/private');
      w.h1.tree.mkdir('deep/er/public');
      w.h1.tree.write('deep/er/public/f', 'f');
      w.h1.tree.write('deep/er/private/f', 'secret');
      w.h3.tree.mkdir('x');
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), ['public', 'public/f']);
      assert.deepEqual(w.h3.tree.names(), ['x', 'x/public', 'x/public/f']);
      await w.ok(w.h1, ['-cv', '$tree1/deep/er/public/f']);
      await w.ok(w.h1, ['-cv', '%p%/public/f']);
    },
  },
  {
    name: 'a host without an entry of a prefix that it needs',
    run: async (w) => {
      w.configureExactly(`nossl * *;\ngroup g { host $1 $2; key k; include %p%; }
        prefix p { on $2: $tree2; }\n`);
      await w.run(w.h1, '-xv');
      await w.run(w.h1, ['-cv', '%p%/a']);
    },
  },
  {
    name: 'a peer without an entry of a prefix that it needs',
    exempt: ['messages', 'wire'],
    why: 'the session breaks off, and our client has already asked for more',
    run: async (w) => {
      w.configureExactly(`nossl * *;\ngroup g { host $1 $2; key k; include %p%; }
        prefix p { on $1: $tree1; }\n`);
      w.h1.tree.write('a', 'a');
      await w.fails(w.h1, '-xv');
      assert.ok(w.h1.rows().dirty.length > 0);
    },
  },
  {
    name: 'host@interface: peers connect to and identify as the interface',
    tls: true,
    config: group('', '$1@127.2.1.11 $2@127.2.1.12'),
    run: async (w) => {
      w.seenAs.set(w.h1.name, '127.2.1.11').set(w.h2.name, '127.2.1.12');
      await w.h1.answerAt('127.2.1.11');
      await w.h2.answerAt('127.2.1.12');
      w.h1.tree.write('a', 'a');
      const { stderr } = await w.ok(w.h1, '-xv');
      assert.match(stderr, /Connecting to host 127\.2\.1\.12 /);
      w.h2.tree.write('a', 'b', { mtime: 1_700_000_001 });
      await w.ok(w.h2, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'two groups over two networks: one connection each',
    exempt: ['messages', 'wire'],
    why: 'our client says that the host stays dirty, and hangs up without BYE',
    config: `group a { host $1@127.2.1.11 $2@127.2.1.12; key k; include %t%/a; }
      group b { host $1@127.2.1.21 $2@127.2.1.22; key k; include %t%/b; }`,
    run: async (w) => {
      w.seenAs.set(w.h1.name, '127.2.1.11');
      await w.h2.answerAt('127.2.1.12');
      await w.h2.answerAt('127.2.1.22');
      w.h1.tree.write('a', 'a');
      w.h1.tree.write('b', 'b');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), ['a']);
    },
  },
  {
    name: 'two names of one peer in one session',
    exempt: ['messages', 'wire'],
    why: 'our client says that the host stays dirty, and hangs up without BYE',
    config: `group a { host $1 $2; key k; include %t%/a; }
      group b { host $1@127.2.1.11 $2; key k2; include %t%/b; }`,
    run: async (w) => {
      w.h1.tree.write('a', 'a');
      w.h1.tree.write('b', 'b');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), ['a']);
    },
  },
]);
