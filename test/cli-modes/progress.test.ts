import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Cluster, has, type Host, program, start } from './cluster.ts';
import { TerminalRun } from './terminal.ts';

/** Hosts of which the first has files for the others. */
async function clusterOf(t: TestContext, peers: number, running = peers): Promise<Cluster> {
  const cluster = new Cluster(t, peers + 1);
  cluster.configureOne();
  const host = cluster.host(1);
  mkdirSync(join(host.tree, 'd'));
  for (let file = 0; file < 20; file++) host.write(`d/f${file}`, 'x'.repeat(100));
  for (const peer of cluster.hosts.slice(1, running + 1)) await peer.serve();
  return cluster;
}

const options = { skip: has('script') ? false : 'skipped: no script(1) to play terminal', concurrency: 3 };

describe('the progress line', options, () => {
  test('-u: files, bytes, rate and time left for a peer, and nothing of it stays', async (t) => {
    const cluster = await clusterOf(t, 1);
    const [host, peer] = [cluster.host(1), cluster.host(2)];
    assert.equal(host.run('-cr', '/').code, 0);
    peer.signal('SIGSTOP');
    const run = new TerminalRun(host, ['-u']);
    await run.draws(/^127\.6\.1\.2: 0 of 22 files, \d+ B, \d+ B\/s$/);
    peer.signal('SIGCONT');
    assert.equal(await run.end(), 0, run.bytes);
    assert.deepEqual(run.screen, []);
    assert.ok(run.bytes.endsWith('\r\x1b[K'), JSON.stringify(run.bytes));
    assert.equal(host.run('-T').code, 2);
  });

  test('what was answered counts, with the time that is left', async (t) => {
    const cluster = await clusterOf(t, 1);
    const [host, peer] = [cluster.host(1), cluster.host(2)];
    // Content beyond what the kernel keeps for a peer that does not read, and enough for a second or more.
    host.write('e', 'x'.repeat(150 << 20));
    const run = new TerminalRun(host, ['-x']);
    await run.draws(/^127\.6\.1\.2: 22 of 23 files, /);
    peer.signal('SIGSTOP');
    await run.draws(/^127\.6\.1\.2: 22 of 23 files, \d+(\.\d)? [kM]B, \d+(\.\d)? [kM]?B\/s, \d+s left$/);
    peer.signal('SIGCONT');
    assert.equal(await run.end(), 0, run.bytes);
    assert.deepEqual(run.screen, []);
  });

  test('-c: how much of the database was compared', async (t) => {
    const cluster = await clusterOf(t, 1, 0);
    const host = cluster.host(1);
    assert.equal(host.run('-cIr', '/').code, 0);
    host.write('d/f1', 'another');
    const release = lock(host);
    const run = new TerminalRun(host, ['-cr', '/']);
    await run.draws(/^check: \d+ of 22 files, 0 changed, \d+ files\/s(, \d+s left)?$/);
    release();
    assert.equal(await run.end(), 0, run.bytes);
    assert.deepEqual(run.screen, []);
  });

  test('-T: how much was compared with a peer; the differences stay', async (t) => {
    const cluster = await clusterOf(t, 1);
    const [host, peer] = [cluster.host(1), cluster.host(2)];
    assert.equal(host.run('-x').code, 0);
    host.write('d/f1', 'another');
    assert.equal(host.run('-cr', '/').code, 0);
    peer.signal('SIGSTOP');
    const run = new TerminalRun(host, ['-T']);
    await run.draws(/^127\.6\.1\.2: \d+ of 22 files, \d+ B, \d+ B\/s(, \d+s left)?$/);
    peer.signal('SIGCONT');
    assert.equal(await run.end(), 0, run.bytes);
    assert.deepEqual(run.screen, ['X\t127.6.1.1\t127.6.1.2\t%t%/d/f1']);
  });

  test('several peers share the one line, whatever its width', async (t) => {
    const cluster = await clusterOf(t, 3);
    const host = cluster.host(1);
    assert.equal(host.run('-cr', '/').code, 0);
    for (const peer of cluster.hosts.slice(1)) peer.signal('SIGSTOP');
    const wide = new TerminalRun(host, ['-u'], 200);
    await wide.draws(/^127\.6\.1\.2: 0 of 22 .* \| 127\.6\.1\.3: 0 of 22 .* \| 127\.6\.1\.4: 0 of 22 /);
    wide.signal('SIGKILL');
    await wide.end();
    const run = new TerminalRun(host, ['-u'], 42);
    await run.draws(/^127\.6\.1\.\d 0\/22 \d+ \d+\/s \| \+2$/);
    for (const peer of cluster.hosts.slice(1)) peer.signal('SIGCONT');
    assert.equal(await run.end(), 0, run.bytes);
    for (const line of run.drawn) assert.ok(line.length < 42, line);
    assert.deepEqual(run.screen, []);
  });

  test('messages have lines of their own', async (t) => {
    const cluster = await clusterOf(t, 2, 1);
    const [host, peer] = [cluster.host(1), cluster.host(2)];
    peer.signal('SIGSTOP');
    const run = new TerminalRun(host, ['-x']);
    await run.draws(/^127\.6\.1\.2: /);
    peer.signal('SIGCONT');
    assert.equal(await run.end(), 1);
    assert.deepEqual(run.screen, host.run('-u').stderr.trimEnd().split('\n'));
    assert.equal(run.screen.length, 4);
  });

  test('a signal takes the line away before anything else is said, and for good', async (t) => {
    const cluster = await clusterOf(t, 1);
    const [host, peer] = [cluster.host(1), cluster.host(2)];
    peer.signal('SIGSTOP');
    const run = new TerminalRun(host, ['-x']);
    await run.draws(/^127\.6\.1\.2: /);
    run.signal('SIGTERM');
    const asked = 'Interrupted by SIGTERM. What is under way is finished first; once more ends at once.';
    await run.says(asked);
    const drawn = run.drawn.length;
    await pause(500);
    assert.equal(run.drawn.length, drawn);
    run.signal('SIGTERM');
    await run.end();
    assert.deepEqual(
      run.screen.filter((line) => !line.startsWith('Session terminated')),
      [asked],
    );
    peer.signal('SIGCONT');
  });

  const never: readonly { readonly args: readonly string[]; readonly redirections?: string }[] = [
    { args: ['-xv'] },
    { args: ['-x', '--no-progress'] },
    { args: ['-x', '--json'] },
    { args: ['-x', '-l'] },
    { args: ['-x'], redirections: '| cat' },
    { args: ['-x'], redirections: '>/dev/null' },
    { args: ['-x'], redirections: '2>/dev/null' },
  ];
  for (const { args, redirections = '' } of never) {
    test(`none with ${args.join(' ')} ${redirections}`, async (t) => {
      const cluster = await clusterOf(t, 1);
      const [host, peer] = [cluster.host(1), cluster.host(2)];
      peer.signal('SIGSTOP');
      const run = new TerminalRun(host, args, 80, redirections);
      await pause(1200);
      peer.signal('SIGCONT');
      assert.equal(await run.end(), 0, run.bytes);
      assert.doesNotMatch(run.bytes, /\x1b/);
    });
  }
});

/** Nobody else can write to the database of a host until this is called. */
function lock(host: Host): () => void {
  const database = new Database(join(host.db, `${host.name}.db3`));
  database.exec('BEGIN IMMEDIATE');
  return () => {
    database.exec('ROLLBACK');
    database.close();
  };
}

test('names are only shown on a terminal, whatever is in them, and bytes as they are elsewhere', (t) => {
  if (!has('script')) return t.skip('skipped: no script(1) to play terminal');
  const cluster = new Cluster(t, 2);
  cluster.configureOne();
  const host = cluster.host(1);
  const evil = 'x\x1b]0;owned\x07';
  host.write(evil, 'x');
  const command = [program, ...host.ownOptions, '-crv', '/', '2>&1', '&&', program, ...host.ownOptions, '-M'].join(' ');
  const shown = start('script', ['-qec', command, '/dev/null'], host.env).stdout;
  assert.equal(shown.split('x\\033]0;owned\\007').length, 3, shown);
  assert.equal(shown.includes('\x1b]0'), false);
  assert.ok(host.run('-M').stdout.includes(evil));
});
