import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { isListening, until } from '../scenarios/harness/process.ts';
import { isInstalled } from '../scenarios/harness/programs.ts';
import { inSync, withPair } from './harness/pair.ts';
import { type FaultHost, Site } from './harness/site.ts';
import { type Passing, WireTap } from './harness/wireTap.ts';

const acting = 'action { exec "echo %% >>acted"; do-local; }';

/** Temporary ones included: they come and go. */
function count(host: FaultHost): number {
  return readdirSync(host.tree.root).length;
}

function exit(host: FaultHost): Promise<number | null> {
  return new Promise((resolve) => host.server?.once('exit', resolve));
}

describe('a client that is told to end', () => {
  const cases = [
    ['SIGTERM', 'ours'],
    ['SIGINT', 'ours'],
    ['SIGINT', 'c'],
  ] as const;
  for (const [signal, program] of cases) {
    test(`by ${signal}, its peer ${program}: ends in good order, the next run completes`, async (t) => {
      if (!isInstalled(program)) return t.skip('skipped: csync2 (the C program) is not installed');
      await withPair(async (client, server) => {
        server.program = program;
        await server.serve();
        for (let at = 0; at < 4000; at++) client.tree.write(`f${at}`, `${at}`.repeat(200));
        const running = client.start(['-xvvv']);
        await until(() => count(server) > 20, 20_000);
        running.child.kill(signal);
        const ended = await running.ending;
        assert.equal(ended.signal, signal, ended.output.slice(-500));
        assert.match(ended.output, new RegExp(`Interrupted by ${signal}\\.`));
        assert.doesNotMatch(ended.output, /ERROR|\n +at /);
        assert.match(ended.output.slice(-1500), /Local> BYE/, 'it took leave');
        const arrived = server.tree.names().length;
        assert.ok(arrived < 4000, 'it went on as if nothing had been said');
        assert.equal(client.rows().dirty.length, 4000 - arrived, 'what arrived is known to have arrived');
        if (program === 'ours')
          assert.doesNotMatch(server.log, /hung up|reset|lost|closed by|[1-9]\d* errors/i, 'the peer was told');

        const again = await client.run('-x');
        assert.equal(again.code, 0, again.output);
        inSync(client, server);
      }, acting);
    });
  }

  test('in the middle of a check: what was found is recorded, the rest is found the next time', async () => {
    await withPair(async (client, server) => {
      for (let at = 0; at < 20_000; at++) client.tree.write(`f${at}`, '');
      const running = client.start(['-crv', '/']);
      await until(() => running.said.includes('Marking'), 20_000);
      running.child.kill('SIGINT');
      assert.equal((await running.ending).signal, 'SIGINT');
      const found = client.rows();
      assert.ok(found.file.length < 20_000, `${found.file.length} files were checked`);
      assert.equal(found.dirty.length, found.file.length);
      await server.serve();
      assert.equal((await client.run('-x')).code, 0);
      inSync(client, server);
    }, acting);
  });

  test('when a transfer or an answer does not come to its end, after seconds; the peer keeps its old file', async () => {
    await withPair(async (client, server) => {
      const tap = new WireTap({ host: server.name, port: 30_866 });
      try {
        await tap.listen(server.name, 30_865);
        await server.serve(true);
        client.tree.write('big', Buffer.alloc(8 << 20, 1));
        assert.equal((await client.run('-x')).code, 0);
        const old = server.tree.snapshot();

        const stall = (what: RegExp): Promise<void> =>
          new Promise((stalled) => {
            tap.onLine = ({ line }: Passing) => {
              if (!what.test(line)) return 'pass';
              stalled();
              return new Promise(() => undefined);
            };
          });
        const interrupt = async (args: readonly string[], at: RegExp): Promise<string> => {
          const stalled = stall(at);
          const running = client.start(args);
          await stalled;
          running.child.kill('SIGTERM');
          const ended = await running.ending;
          assert.equal(ended.signal, 'SIGTERM', ended.output);
          return ended.output;
        };
        client.tree.write('big', Buffer.alloc(8 << 20, 2), { mtime: 1_700_000_100 });
        const output = await interrupt(['-x'], /^octet-stream \d{4,}$/);
        assert.match(output, /stays in dirty state/);
        assert.equal(client.rows().dirty.length, 1);
        await interrupt(['-T'], /^LIST/);
        assert.ok(await until(() => server.leftovers().length === 0, 20_000), server.leftovers().join());
        assert.deepEqual(server.tree.snapshot(), old);

        const stalled = stall(/^octet-stream \d{4,}$/);
        const running = client.start(['-x']);
        await stalled;
        const begun = performance.now();
        running.child.kill('SIGINT');
        await until(() => running.said.includes('Interrupted'), 20_000);
        running.child.kill('SIGINT');
        assert.equal((await running.ending).signal, 'SIGINT');
        assert.ok(performance.now() - begun < 4500, 'the second signal is not waited for');

        tap.onLine = () => 'pass';
        assert.equal((await client.run('-x')).code, 0);
        inSync(client, server);
      } finally {
        await tap.close();
      }
    }, acting);
  });
});

describe('a server that is told to end', () => {
  test('SIGTERM lets it finish what it is doing', async () => {
    await withPair(async (client, server) => {
      await server.serve();
      for (let at = 0; at < 300; at++) client.tree.write(`f${at}`, `${at}`.repeat(200));
      const running = client.start(['-x']);
      await until(() => count(server) > 5, 20_000);
      const gone = exit(server);
      server.server?.kill('SIGTERM');
      assert.equal((await running.ending).code, 0);
      inSync(client, server);
      assert.equal(await gone, 0);
    }, acting);
  });

  test('a second SIGTERM does not: the file under way is undone, the next run completes', async () => {
    await withPair(async (client, server) => {
      await server.serve();
      for (let at = 0; at < 4000; at++) client.tree.write(`f${at}`, `${at}`.repeat(200));
      const running = client.start(['-x']);
      await until(() => count(server) > 5, 20_000);
      const gone = exit(server);
      server.server?.kill('SIGTERM');
      server.server?.kill('SIGINT');
      assert.equal(await gone, 0);
      assert.equal((await running.ending).code, 1);
      assert.deepEqual(server.leftovers(), []);
      await server.serve();
      const again = await client.run('-x');
      assert.equal(again.code, 0, again.output);
      inSync(client, server);
    }, acting);
  });

  test('a second SIGTERM does not wait for a command that hangs either: it is run again by the next session', async () => {
    const site = new Site({ hosts: 2 });
    const [client, server] = [site.at(0), site.at(1)];
    const [release, done] = ['release', 'done'].map((name) => join(server.root, name)) as [string, string];
    try {
      // A FIFO that nobody writes to, until the test does.
      execFileSync('mkfifo', [release]);
      site.configure(`action { exec "cat ${release} && echo %% >>${done}"; logfile /dev/null; }`);
      await server.serve();
      client.tree.write('file', 'content');
      assert.equal((await client.run('-x')).code, 0);
      assert.ok(await until(() => server.log.includes('Running'), 20_000), server.log);
      const gone = exit(server);
      server.server?.kill('SIGTERM');
      await until(() => !isListening(server.name, server.port), 20_000);
      server.server?.kill('SIGTERM');
      assert.equal(await Promise.race([gone, sleep(20_000, 'still there', { ref: false })]), 0);
      assert.match(server.log, /is not waited for any more: it is run again by the next session or run/);
      assert.equal(server.rows().action.length, 1);

      await server.serve();
      client.tree.write('other', 'content');
      assert.equal((await client.run('-x')).code, 0);
      const writer = spawn('sh', ['-c', `exec 3>${release}; sleep 1`], { stdio: 'ignore' });
      assert.ok(await until(() => server.rows().action.length === 0, 20_000), server.rows().action.join());
      writer.kill();
      for (const name of ['file', 'other']) assert.ok(readFileSync(done, 'utf8').includes(server.tree.path(name)));
    } finally {
      await site.close();
    }
  });
});

test('SIGUSR1 opens no debugger to whoever is on this host: it ends the program, as any other', async () => {
  const site = new Site({ hosts: 1 });
  try {
    site.configure();
    const server = await site.at(0).serve();
    const ended = new Promise<string | null>((resolve) => server.once('exit', (_, signal) => resolve(signal)));
    server.kill('SIGUSR1');
    assert.equal(await Promise.race([ended, sleep(5000).then(() => site.at(0).log)]), 'SIGUSR1');
  } finally {
    await site.close();
  }
});
