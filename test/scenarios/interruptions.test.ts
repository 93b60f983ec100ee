import assert from 'node:assert/strict';
import type { Program } from './harness/programs.ts';
import { type Scenario, group, scenarios } from './harness/scenario.ts';

const config = group();

/** The connection breaks when the client has got so far with a changed and a new file; then the run is repeated. */
function brokenBefore(command: string, acting: Program): Scenario {
  return {
    name: `the connection breaks before ${command}; the next run goes through`,
    config,
    only: (pairing) => pairing.others === 'ours' && pairing.acting === acting,
    why: 'the C server takes its own half-finished file for a local change; each client has commands of its own',
    run: async (w) => {
      await w.settle((tree) => tree.write('a', 'old'));
      w.h1.tree.write('a', 'changed', { mtime: 1_700_000_001, mode: 0o600, uid: 5 });
      w.h1.tree.mkdir('d');
      w.h1.tree.write('d/new', 'new', { mode: 0o640 });
      w.h2.cutBefore(command);
      assert.notEqual((await w.run(w.h1, '-xv')).code, 0);
      assert.deepEqual(w.h2.tree.snapshot()[0], 'a file 644 0:0 1700000000 "old"');
      assert.ok(
        w.h2.tree.names().every((name) => ['a', 'd', 'd/new'].includes(name)),
        'temporary files',
      );
      w.h2.cutBefore(undefined);
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  };
}

scenarios('interruptions', [
  ...['SIG', 'PATCH', 'octet-stream', 'SETOWN', 'SETMOD', 'SETIME'].map((command) => brokenBefore(command, 'c')),
  ...['XSET', 'XPUT', 'octet-stream'].map((command) => brokenBefore(command, 'ours')),
  {
    name: 'the connection breaks before a deletion',
    config,
    run: async (w) => {
      await w.settle((tree) => ['a', 'b'].forEach((name) => tree.write(name, name)));
      w.h1.tree.remove('a');
      w.h1.tree.remove('b');
      w.h2.cutBefore('DEL');
      assert.notEqual((await w.run(w.h1, '-xv')).code, 0);
      assert.deepEqual(w.h2.tree.names(), ['a', 'b']);
      w.h2.cutBefore(undefined);
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
    exempt: ['code', 'messages', 'wire'],
    why: 'the C client ends with SIGPIPE',
  },
]);

scenarios('many at once', [
  {
    name: 'hosts that push to each other at the same time',
    hosts: 3,
    config: group('', '$1 $2 $3'),
    reference: false,
    why: 'the C program makes others wait for its transactions',
    run: async (w) => {
      await w.settle();
      w.hosts.forEach((host, at) => {
        for (let file = 0; file < 20; file++) host.tree.write(`${at} ${file}`, `${at}`);
      });
      await Promise.all(w.hosts.map((host) => host.run(['-x'])));
      for (const host of w.hosts) await w.ok(host, '-x');
      w.assertInSync();
      assert.equal(w.h1.tree.names().length, 60);
    },
  },
  {
    name: 'three hundred small files',
    tls: true,
    config,
    run: async (w) => {
      await w.settle();
      for (let dir = 0; dir < 15; dir++) {
        w.h1.tree.mkdir(`d${dir}`);
        for (let file = 0; file < 20; file++) w.h1.tree.write(`d${dir}/f${file}`, `${dir} ${file}`);
      }
      await w.ok(w.h1, '-x');
      w.assertInSync();
      w.h1.tree.remove('d7');
      for (let dir = 8; dir < 12; dir++) w.h1.tree.write(`d${dir}/f3`, 'changed', { mtime: 1_700_000_001 });
      await w.ok(w.h1, '-x');
      w.assertInSync();
    },
  },
]);
