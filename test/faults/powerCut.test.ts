import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { isListening, until } from '../scenarios/harness/process.ts';
import { isRoot } from '../scenarios/harness/programs.ts';
import { withPair } from './harness/pair.ts';
import { pretendPowerCut } from './harness/pretendPowerCut.ts';
import { RawPeer } from './harness/rawPeer.ts';
import { type FaultHost, key, Site } from './harness/site.ts';

/** The system calls of a process and its children while `work` goes on. */
async function traced(pid: number, file: string, calls: string, work: () => Promise<void>): Promise<string[]> {
  const args = ['-f', '-s', '100000', '-e', `trace=${calls}`, '-o', file, '-p', String(pid)];
  const tracer = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise((resolve) => tracer.stderr.once('data', resolve));
  await work();
  await sleep(200);
  const gone = new Promise((resolve) => tracer.once('exit', resolve));
  tracer.kill('SIGINT');
  await gone;
  return fs.readFileSync(file, 'latin1').split('\n');
}

/** Directories in which files may not be whole after a power cut. */
function inDoubt(host: FaultHost): number {
  const database = new Database(host.database, { readonly: true });
  try {
    const count = database.prepare<[], number>("SELECT count(*) FROM unfinished WHERE kind = 'directory'").pluck();
    return count.get() ?? 0;
  } finally {
    database.close();
  }
}

/** Serves with another `sync` program. Gives what the server has said so far. */
async function serveWithSync(
  host: FaultHost,
  site: Site,
  script: string,
  options: readonly string[] = [],
): Promise<() => string> {
  const programs = join(site.root, 'bin');
  fs.mkdirSync(programs);
  fs.writeFileSync(join(programs, 'sync'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const path = `PATH=${programs}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  const running = host.start([...options, '-ii'], 30_865, ['env', path]);
  assert.ok(await until(() => isListening(host.name, 30_865), 60_000));
  return () => running.said;
}

const hasStrace = ['/usr/bin/strace', '/bin/strace'].some((path) => fs.existsSync(path));

describe('what a peer was told is done', () => {
  test('is on the disk, at any moment of a session: where it would be is noted first, the answer to SYNC comes last', async (t) => {
    if (!isRoot) return t.skip('skipped: needs root');
    if (!hasStrace) return t.skip('skipped: no strace');
    await withPair(async (client, server) => {
      const child = await server.serve();
      for (let at = 0; at < 12; at++) client.tree.mkdir(`d${at}`);
      for (let at = 0; at < 5000; at++) client.tree.write(`d${at % 12}/f${at}`, `content ${at}`);
      const calls = 'rename,renameat,renameat2,syncfs,fdatasync,write,writev,sendto,sendmsg';
      const lines = await traced(child.pid as number, join(server.root, 'trace'), calls, async () => {
        assert.equal((await client.run('-x')).code, 0);
      });
      let [noted, placed, flushed, asked] = [false, 0, 0, 0];
      // The answers to CONFIG and HELLO are about no file.
      let answered = -2;
      for (const line of lines) {
        if (/fdatasync.*= 0/.test(line)) noted = true;
        if (/syncfs.*= 0/.test(line)) flushed = placed;
        if (/ rename\w*\(/.test(line)) {
          assert.ok(noted, line);
          placed += 1;
        }
        for (const [, answer] of line.matchAll(/OK \((cmd_finished|on_disk|cu_later)\)/g)) {
          if (answer === 'cmd_finished') {
            answered += 1;
            continue;
          }
          assert.ok(answered <= flushed, `${answered} files were answered, ${flushed} on the disk`);
          asked += 1;
        }
      }
      assert.ok(placed > 5000 && answered === placed && asked === 3, `${placed}, ${answered}, ${asked}`);
    });
  });

  test('is not said when the disk refuses: the files stay dirty, and arrive once it does not', async () => {
    await withPair(async (client, server, site) => {
      client.tree.write('file', 'one');
      const said = await serveWithSync(server, site, 'echo "sync: error syncing: Input/output error" >&2; exit 1');
      const refused = await client.run('-x');
      assert.equal(refused.code, 1, refused.output);
      assert.match(said(), /Can not run sync: .*Input\/output error/s);
      assert.equal(client.rows().dirty.length, 2);
      assert.ok(inDoubt(server) > 0, 'what the disk has refused is not noted any more');
      await server.kill();
      await server.serve();
      const again = await client.run('-x');
      assert.equal(again.code, 0, again.output);
      assert.deepEqual(server.tree.snapshot(), client.tree.snapshot());
      assert.ok(await until(() => inDoubt(server) === 0, 20_000));
    });
  });

  test('is on the disk also when another content has the row that was there', async () => {
    await withPair(async (client, server, site) => {
      const mtime = 1_700_000_000;
      server.tree.write('file', 'one', { mtime });
      await server.run('-cIr /');
      const ran = join(site.root, 'ran');
      await serveWithSync(server, site, `echo >>${ran}`);
      const { mode, uid, gid } = fs.statSync(server.tree.path('file'));
      const peer = await RawPeer.connect(server.name, server.port, client.name);
      for (const command of ['CONFIG ', `HELLO ${client.name}`, 'CAPS xput sync']) await peer.ask(command);
      const command = `XPUT ${key} %25t%25/file check ${mode} ${uid} ${gid} ${mtime} 0\noctet-stream 3\ntwo`;
      assert.equal(await peer.ask(command), 'OK (cmd_finished).');
      assert.equal(fs.existsSync(ran), false);
      assert.equal(await peer.ask('SYNC'), 'OK (on_disk).');
      assert.equal(fs.existsSync(ran), true);
      peer.close();
    });
  });

  for (const [options, waits] of [
    [[], true],
    [['-A'], false],
  ] as const) {
    test(`is on the disk${waits ? '' : ', but not with -A'}`, async () => {
      await withPair(async (client, server, site) => {
        client.tree.write('file', 'one');
        const ran = join(site.root, 'ran');
        await serveWithSync(server, site, `echo >>${ran}`, options);
        assert.equal((await client.run('-x')).code, 0);
        assert.equal(fs.existsSync(ran), waits);
      });
    });
  }
});

describe('a power cut in the middle of a session', () => {
  const half = async (client: FaultHost, server: FaultHost, before?: () => Promise<void>): Promise<void> => {
    client.tree.mkdir('deep');
    for (const name of ['torn', 'lost', 'whole', 'deep/torn']) client.tree.write(name, `${name} of the client`);
    server.tree.mkdir('deep');
    server.tree.mkdir('other');
    server.tree.write('other/own', 'before');
    await server.run('-cIr /');
    await before?.();
    await server.serve();
    const peer = await RawPeer.connect(server.name, server.port, client.name);
    for (const command of ['CONFIG ', `HELLO ${client.name}`, 'CAPS xput']) await peer.ask(command);
    for (const name of ['torn', 'lost', 'whole', 'deep/torn']) {
      const { mtime, content } = { mtime: 1_700_000_000, content: `${name} of the client` };
      const command = `XPUT ${key} %25t%25/${name} check 33188 0 0 ${mtime} 0\noctet-stream ${content.length}\n${content}`;
      assert.equal(await peer.ask(command), 'OK (cmd_finished).');
    }
    await server.kill();
    peer.close();
    for (const name of ['torn', 'deep/torn']) {
      fs.truncateSync(server.tree.path(name), 0);
      fs.utimesSync(server.tree.path(name), 1_700_000_000, 1_700_000_000);
    }
    fs.rmSync(server.tree.path('lost'));
    server.tree.write('other/own', 'changed here', { mtime: 1_700_000_100 });
  };

  test('what is not whole is nobody’s change: it is named, not sent, and comes again', async () => {
    await withPair(async (client, server) => {
      await half(client, server);
      assert.ok(pretendPowerCut(server) > 0, 'nothing was noted');
      const { code, output } = await server.run('-cr /');
      assert.equal(code, 1);
      const named = [...output.matchAll(/^(\S+) was being received when this host went down/gm)].map(
        ([, name]) => name,
      );
      assert.deepEqual(named.sort(), ['%t%/deep/torn', '%t%/lost', '%t%/torn']);
      const dirty = server.rows().dirty.map((row) => row.split(' ')[0]);
      assert.deepEqual(dirty, ['%25t%25/other/own']);
      await server.serve();
      // As it was never told that they have arrived.
      const { output: sent } = await client.run('-x');
      for (const name of ['torn', 'lost', 'whole', 'deep/torn']) {
        assert.equal(server.tree.read(name), `${name} of the client`, sent);
      }
      await client.serve();
      assert.equal((await server.run('-x')).code, 0);
      assert.equal(client.tree.read('other/own'), 'changed here');
    });
  });

  test('what was changed in the same directory before is a change that was made here', async () => {
    await withPair(async (client, server) => {
      server.tree.write('mine', 'before');
      await half(client, server, async () => {
        server.tree.write('mine', 'changed here');
        server.tree.write('new', 'made here');
        await sleep(2000);
      });
      pretendPowerCut(server);
      assert.equal((await server.run('-cr /')).code, 1);
      const dirty = server.rows().dirty.map((row) => row.split(' ')[0]);
      assert.deepEqual(dirty, ['%25t%25/mine', '%25t%25/new', '%25t%25/other/own']);
    });
  });

  test('what comes again in one session is not taken for what another saw there while it waited for the disk', async () => {
    await withPair(async (client, server, site) => {
      await half(client, server);
      pretendPowerCut(server);
      const first = join(site.root, 'first');
      await serveWithSync(server, site, `mkdir ${first} 2>/dev/null && sleep 3; exit 0`);
      const [waiting, quick] = await Promise.all(
        [0, 1].map(() => RawPeer.connect(server.name, server.port, client.name)),
      );
      assert.ok(waiting !== undefined && quick !== undefined);
      const greeting = waiting.ask('CONFIG ');
      assert.ok(await until(() => fs.existsSync(first), 20_000));
      for (const command of ['CONFIG ', `HELLO ${client.name}`, 'CAPS xput']) await quick.ask(command);
      const content = 'torn of the client';
      const command = `XPUT ${key} %25t%25/torn check 33188 0 0 1700000000 0\noctet-stream ${content.length}\n${content}`;
      assert.equal(await quick.ask(command), 'OK (cmd_finished).');
      await quick.ask('BYE');
      assert.equal(await greeting, 'OK (cmd_finished).');
      await waiting.ask('BYE');
      for (const peer of [waiting, quick]) peer.close();
      await server.run('-cr /');
      assert.deepEqual(
        server.rows().dirty.filter((row) => row.includes('torn')),
        [],
      );
    });
  });

  test('when only the program was killed, what differs was changed here', async () => {
    await withPair(async (client, server) => {
      await half(client, server);
      assert.equal((await server.run('-cr /')).code, 0);
      const dirty = server.rows().dirty.map((row) => row.split(' ')[0]);
      assert.deepEqual(dirty, ['%25t%25/deep/torn', '%25t%25/lost', '%25t%25/other/own', '%25t%25/torn']);
    });
  });
});

test('what a check has recorded is on the disk, but not with -A', async (t) => {
  if (!hasStrace) return t.skip('skipped: no strace');
  await withPair(async (client) => {
    const waits = async (args: string): Promise<number> => {
      const trace = join(client.root, 'trace');
      const wrap = ['strace', '-f', '-e', 'trace=fsync,fdatasync,sync,syncfs', '-o', trace];
      const { code, output } = await client.run(args, 60_000, wrap);
      assert.equal(code, 0, output);
      return fs.readFileSync(trace, 'latin1').match(/sync(fs)?\(.*= 0$/gm)?.length ?? 0;
    };
    // Which makes the database.
    await waits('-cr /');
    client.tree.write('file', 'content');
    assert.ok((await waits('-cr /')) > 0);
    client.tree.write('file', 'another content');
    assert.equal(await waits('-A -cr /'), 0);
    assert.equal(client.rows().dirty.length, 2);
  });
});
