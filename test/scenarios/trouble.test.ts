import assert from 'node:assert/strict';
import { group, scenarios } from './harness/scenario.ts';
import type { World } from './harness/world.ts';

const config = group();

scenarios('trust', [
  {
    name: 'another key: nothing is taken',
    tls: true,
    config,
    run: async (w) => {
      await w.settle();
      w.h2.configure(`${'z'.repeat(40)}\n`, 'k');
      w.h1.tree.write('a', 'a');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), []);
      assert.equal(w.h1.rows().dirty.length, 1);
    },
  },
  {
    name: 'a name that does not resolve to the address we come from',
    tls: true,
    config,
    run: async (w) => {
      await w.settle();
      w.seenAs.set(w.h1.name, '127.2.1.99');
      w.h1.tree.write('a', 'a');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), []);
    },
  },
  {
    name: 'a host that the peer does not know',
    config,
    run: async (w) => {
      await w.settle();
      w.h2.configure(
        w.fill('nossl * *;\nprefix t { on $2: $tree2; }\ngroup g { host 127.2.1.3 $2; key k; include %t%; }'),
      );
      w.h1.tree.write('a', 'a');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), []);
    },
  },
  {
    name: 'a file that the peer does not include',
    config,
    run: async (w) => {
      await w.settle();
      const text = 'nossl * *;\nprefix t { on $2: $tree2; }\ngroup g { host $1 $2; key k; include %t%; exclude *.o; }';
      w.h2.configure(w.fill(text));
      w.h1.tree.write('a.o', 'a');
      w.h1.tree.write('b', 'b');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), ['b']);
    },
  },
  {
    name: 'certificates are remembered at first contact and must not change: the client’s',
    tls: true,
    config,
    run: async (w) => {
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv');
      if (!w.tls) return;
      assert.deepEqual(w.h2.rows().peers, ['127.2.1.1']);
      w.h1.useCertificate('another');
      w.h1.tree.write('a', 'b', { mtime: 1_700_000_001 });
      await w.fails(w.h1, '-xv');
      assert.equal(w.h2.tree.read('a'), 'a');
    },
  },
  {
    name: 'certificates must not change: the server’s',
    tls: true,
    exempt: ['messages'],
    why: 'the C client ends at once, ours says that the host stays dirty',
    config,
    run: async (w) => {
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv');
      if (!w.tls) return;
      assert.deepEqual(w.h1.rows().peers, ['127.2.1.2']);
      await w.h2.stop();
      w.h2.useCertificate('another');
      w.h1.tree.write('a', 'b', { mtime: 1_700_000_001 });
      await w.fails(w.h1, '-xv');
      assert.equal(w.h2.tree.read('a'), 'a');
    },
  },
  {
    name: 'a server that insists on TLS, a client that does not want it',
    run: async (w) => {
      w.configure(config);
      w.h2.useCertificate(w.h2.name);
      w.h2.configure(w.fill(`prefix t { on $2: $tree2; }\n${config}`));
      w.h1.tree.write('a', 'a');
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), []);
    },
  },
  {
    name: 'nossl on the server only: TLS is used',
    run: async (w) => {
      w.configure(config);
      for (const host of w.hosts) host.useCertificate(host.name);
      w.h1.configure(w.fill(`prefix t { on $1: $tree1; }\n${config}`));
      w.h1.tree.write('a', 'a');
      const { stderr } = await w.ok(w.h1, '-xv');
      assert.match(stderr, /\(SSL\)/);
      w.assertInSync();
    },
    exempt: ['wire'],
    why: 'the connection is encrypted',
  },
  {
    name: 'nossl for some pairs only',
    hosts: 3,
    run: async (w) => {
      for (const host of w.hosts) host.useCertificate(host.name);
      w.configureExactly(`nossl $1 $2; nossl $2 $1;\nprefix t { on $1: $tree1; on $2: $tree2; on $3: $tree3; }
        ${group('', '$1 $2 $3')}`);
      w.h1.tree.write('a', 'a');
      const plain = await w.ok(w.h1, '-xv -P $2');
      assert.match(plain.stderr, /127\.2\.1\.2 \(PLAIN\)/);
      const tls = await w.ok(w.h1, '-uv -P $3');
      assert.match(tls.stderr, /127\.2\.1\.3 \(SSL\)/);
      w.assertInSync();
    },
    exempt: ['wire'],
    why: 'one of the connections is encrypted',
  },
  ...(['$1 $2', '$2 $1', '* $1', '$1 *', '* *'] as const).map((pair) => ({
    name: `nossl ${pair}: what it means for client and server`,
    exempt: ['wire', 'messages'] as const,
    why: 'some of the connections are encrypted',
    run: async (w: World) => {
      for (const host of w.hosts) host.useCertificate(host.name);
      w.configureExactly(`nossl ${pair};\nprefix t { on $1: $tree1; on $2: $tree2; }\n${config}`);
      w.h1.tree.write('a', 'a');
      await w.run(w.h1, '-xv');
      await w.run(w.h2, '-xv');
    },
  })),
]);

scenarios('missing parents', [
  {
    name: 'directories that the peer never had are sent first',
    config,
    exempt: ['wire', 'messages', 'code'],
    why: 'the C client counts each detour as an error and may go round more often',
    run: async (w) => {
      w.h1.tree.mkdir('d/e');
      w.h1.tree.write('d/e/f', 'f');
      w.h1.tree.write('z', 'z');
      await w.settle();
      w.h1.tree.write('d/e/f', 'changed', { mtime: 1_700_000_003 });
      await w.run(w.h1, '-xv');
      assert.equal(w.h2.tree.read('d/e/f'), 'changed');
      assert.deepEqual(w.h1.rows().dirty, []);
    },
  },
  {
    name: 'a directory that was removed over there is a conflict',
    config,
    exempt: ['wire', 'messages'],
    why: 'how often the missing parent is tried differs',
    run: async (w) => {
      await w.settle((tree) => {
        tree.mkdir('d/e');
        tree.write('d/e/f', 'f', { mode: 0o600 });
      });
      w.h2.tree.remove('d');
      w.h1.tree.write('d/e/f', 'changed', { mtime: 1_700_000_003 });
      await w.fails(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), []);
    },
  },
]);

scenarios('ways to serve', [
  ...(['-iii', '-i'] as const).map((serving) => ({
    name: `a server started with ${serving}`,
    tls: true,
    config,
    exempt: ['served'] as const,
    why: 'with -i the C program logs to syslog',
    run: async (w: World) => {
      w.h2.serving = serving;
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv');
      w.h1.tree.remove('a');
      w.h1.tree.write('b', 'b');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  })),
  {
    name: 'a lock file that appears while the server stands',
    config,
    run: async (w) => {
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv');
      w.h2.configure('', 'csync2.lock');
      w.h1.tree.write('a', 'b', { mtime: 1_700_000_001 });
      await w.run(w.h1, '-xv');
    },
  },
  {
    name: 'the server reads its configuration for each connection',
    config: group('exclude *.o;'),
    run: async (w) => {
      await w.settle();
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv');
      w.configure(group());
      w.h1.tree.write('b.o', 'b');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'a broken configuration on the server',
    config,
    // We answer where the C program hangs up.
    exempt: ['wire'],
    run: async (w) => {
      await w.settle();
      w.h2.configure('nonsense');
      w.h1.tree.write('a', 'a');
      await w.fails(w.h1, '-xv');
      w.configure(config);
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
]);
