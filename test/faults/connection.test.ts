import assert from 'node:assert/strict';
import net from 'node:net';
import tls from 'node:tls';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificate } from '../scenarios/harness/certificates.ts';
import { until } from '../scenarios/harness/process.ts';
import { isInstalled, type Program } from '../scenarios/harness/programs.ts';
import { RawPeer } from './harness/rawPeer.ts';
import { type FaultHost, key, Site } from './harness/site.ts';

type Way = 'requests' | 'answers';

/** What happens to a connection. `bytes`: so many pass before, of those that go this way. */
type Fault =
  | { readonly kind: 'reset' | 'end' | 'stall'; readonly way: Way; readonly bytes: number }
  | { readonly kind: 'slow'; readonly way: Way; readonly bytesPerSecond: number }
  | { readonly kind: 'none' };

/** Stands between a client and a server and does to each connection what `fault` says when it begins. */
class Troublemaker {
  fault: Fault = { kind: 'none' };
  /** Bytes that came from the server on the last connection. */
  answered = 0;
  readonly listener: net.Server;

  constructor(target: net.TcpNetConnectOpts) {
    this.listener = net.createServer({ allowHalfOpen: true }, (client) => {
      this.answered = 0;
      const server = net.connect({ ...target, localAddress: client.remoteAddress ?? '', allowHalfOpen: true });
      server.on('data', (chunk) => (this.answered += chunk.length));
      connect(client, server, this.fault);
    });
  }
}

function connect(client: net.Socket, server: net.Socket, fault: Fault): void {
  const both = [client, server];
  let isStalled = false;
  for (const socket of both) socket.on('error', () => both.forEach((each) => each.destroy()));
  const pass = (from: net.Socket, to: net.Socket, way: Way): void => {
    const concerned = fault.kind !== 'none' && fault.way === way ? fault : undefined;
    let left = concerned !== undefined && 'bytes' in concerned ? concerned.bytes : Infinity;
    let trickling = Promise.resolve();
    from.on('data', (chunk) => {
      if (isStalled || left <= 0) return;
      if (concerned?.kind === 'slow') {
        trickling = trickle(chunk, from, to, concerned.bytesPerSecond);
        return;
      }
      to.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      isStalled = concerned?.kind === 'stall';
      if (concerned?.kind === 'reset') both.forEach((each) => each.resetAndDestroy());
      if (concerned?.kind === 'end') both.forEach((each) => each.end());
    });
    from.on('end', () => void trickling.then(() => to.end()));
  };
  pass(client, server, 'requests');
  pass(server, client, 'answers');
}

/** A tenth of a second's worth at a time; nothing more is taken meanwhile. */
async function trickle(chunk: Buffer, from: net.Socket, to: net.Socket, bytesPerSecond: number): Promise<void> {
  from.pause();
  const step = bytesPerSecond / 10;
  for (let at = 0; at < chunk.length && !to.destroyed; at += step) {
    await sleep(100);
    to.write(chunk.subarray(at, at + step));
  }
  from.resume();
}

interface Line {
  readonly client: FaultHost;
  readonly server: FaultHost;
  readonly between: Troublemaker;
}

async function withLine(
  programs: readonly Program[],
  before: string,
  work: (line: Line) => Promise<void>,
): Promise<void> {
  const site = new Site({ hosts: 2, programs });
  const [client, server] = [site.at(0), site.at(1)];
  const between = new Troublemaker({ host: server.name, port: 30_866 });
  try {
    site.configure('', before);
    await new Promise<void>((resolve) => between.listener.listen(30_865, server.name, resolve));
    await server.serve(true);
    await work({ client, server, between });
  } finally {
    between.listener.close();
    await site.close();
  }
}

/** The next run goes through, and both hosts are the same. */
async function completes({ client, server }: Line): Promise<void> {
  const { code, output } = await client.run('-x');
  assert.equal(code, 0, output);
  // C servers leave temporary files when a connection breaks.
  for (const name of server.tree.names()) if (/^\.file\.\w{6}$/.test(name)) server.tree.remove(name);
  assert.deepEqual(server.tree.snapshot(), client.tree.snapshot());
  assert.deepEqual([...client.rows().dirty, ...server.rows().dirty], []);
}

const long = process.env['LONG_TESTS'] !== undefined;
const size = 1_500_000;
const content = (version: number): Buffer => Buffer.alloc(size, version % 256);

describe('a connection that breaks', { concurrency: 4 }, () => {
  for (const kind of ['reset', 'end'] as const) {
    for (const programs of [
      ['ours', 'ours'],
      ['ours', 'c'],
      ['c', 'ours'],
    ] as const) {
      const pieces = long ? 50 : kind === 'reset' && programs.join() === 'ours,ours' ? 10 : 4;
      const name = `${kind} at ${pieces} places of a transfer (${programs.join(' → ')})`;
      test(`${name}: the old file stays whole, and the run after it completes`, async (t) => {
        if (!programs.every((program) => isInstalled(program)))
          return t.skip('skipped: csync2 (the C program) is not installed');
        await withLine(programs, '', async (line) => {
          const { client, server, between } = line;
          client.tree.write('file', content(1));
          assert.equal((await client.run('-x')).code, 0);
          for (let piece = 0; piece < pieces; piece++) {
            client.tree.write('file', content(piece + 2), { mtime: 1_700_000_100 + piece });
            between.fault = { kind, way: 'requests', bytes: Math.floor((size * (piece + 0.5)) / pieces) };
            const broken = await client.run('-x', 20_000);
            assert.notEqual(broken.code, 0, broken.output);
            assert.ok(
              server.tree.read('file') === content(1).toString('latin1'),
              `piece ${piece}: the old file is not whole`,
            );
            assert.equal(client.rows().dirty.length, 1);
            if (piece % 4 !== 3) continue;
            await server.kill();
            await server.serve(true);
          }
          between.fault = { kind: 'none' };
          await completes(line);
        });
      });

      const answers = long ? 50 : 5;
      test(`${kind} at ${answers} places of the answers (${programs.join(' → ')}): old or new, and whole; the run after it completes`, async (t) => {
        if (!programs.every((program) => isInstalled(program)))
          return t.skip('skipped: csync2 (the C program) is not installed');
        await withLine(programs, '', async (line) => {
          const { client, server, between } = line;
          client.tree.write('file', content(1));
          assert.equal((await client.run('-x')).code, 0);
          // The second time there is a signature to be sent.
          client.tree.write('file', content(2), { mtime: 1_700_000_100 });
          assert.equal((await client.run('-x')).code, 0);
          const total = between.answered;
          assert.ok(total > 5000, `only ${total} bytes were answered`);
          let whole = 2;
          for (let piece = 0; piece < answers; piece++) {
            const version = piece + 3;
            client.tree.write('file', content(version), { mtime: 1_700_000_100 + version });
            between.fault = { kind, way: 'answers', bytes: Math.floor((total * (piece + 0.5)) / answers) };
            await client.run('-x', 20_000);
            between.fault = { kind: 'none' };
            const there = server.tree.read('file');
            if (there === content(version).toString('latin1')) whole = version;
            assert.ok(there === content(whole).toString('latin1'), `piece ${piece}: neither the old file nor the new`);
            if (whole !== version) assert.equal(client.rows().dirty.length, 1, `piece ${piece}: forgotten`);
          }
          await completes(line);
        });
      });
    }
  }

  test('one that stands still ends after the idle time, on both sides, and the run after it completes', async () => {
    await withLine(['ours', 'ours'], 'idle-timeout 2;\n', async (line) => {
      const { client, server, between } = line;
      client.tree.write('file', content(1));
      const places = [
        ...[20, 60, 200, size / 2].map((bytes) => ['requests', bytes] as const),
        ['answers', 60] as const,
      ];
      for (const [way, bytes] of places) {
        between.fault = { kind: 'stall', way, bytes };
        const { code, output } = await client.run('-x', 20_000);
        assert.equal(code, 1, output);
        assert.ok(client.rows().dirty.length > 0);
      }
      between.fault = { kind: 'none' };
      await completes(line);
      assert.deepEqual(server.leftovers(), []);
    });
  });

  test('one that is slow is no trouble, however long it takes, as long as something moves', async () => {
    await withLine(['ours', 'ours'], 'idle-timeout 2;\n', async (line) => {
      const { client, between } = line;
      for (let at = 0; at < 5; at++) client.tree.write(`file${at}`, Buffer.alloc(900, at));
      between.fault = { kind: 'slow', way: 'requests', bytesPerSecond: 1000 };
      await completes(line);
    });
  });

  test('so with its answers', async () => {
    await withLine(['ours', 'ours'], '', async (line) => {
      const { client, between } = line;
      client.tree.write('large', content(1).subarray(0, 500_000));
      await completes(line);
      // Its signature takes three seconds.
      client.tree.write('large', content(2).subarray(0, 500_000), { mtime: 1_700_000_100 });
      between.fault = { kind: 'slow', way: 'answers', bytesPerSecond: 1000 };
      const before = Date.now();
      await completes(line);
      assert.ok(Date.now() - before > 2500, `${between.answered} bytes were answered in ${Date.now() - before} ms`);
    });
  });
});

describe('certificates', () => {
  test('plain where TLS is due, none, one that changed, one of another host: nobody gets in', async () => {
    const site = new Site({ hosts: 2, tls: true });
    const [server, member] = [site.at(0), site.at(1)];
    try {
      site.configure();
      server.tree.write('file', 'secret');
      await server.run('-cIr /');
      await server.serve();

      const plain = await RawPeer.connect(server.name, server.port, member.name);
      await plain.ask('CONFIG ');
      assert.equal(await plain.ask(`HELLO ${member.name}`), 'SSL encrypted connection expected!');
      assert.match((await plain.ask(`SIG ${key} %25t%25/file`)) ?? '', /^Dear /);
      for (const name of ['localhost', 'localhost']) await plain.ask(`HELLO ${name}`);
      plain.close();
      const other = await RawPeer.connect(server.name, server.port, member.name);
      await other.ask('CONFIG ');
      for (let times = 0; times < 2; times++) await other.ask('HELLO localhost');
      other.close();
      assert.ok(await until(() => server.log.split('Finished with 1 errors').length === 3, 20_000), server.log);
      assert.ok(server.log.includes(`${member.name} does not encrypt, and there is no 'nossl' for it`), server.log);
      assert.ok(server.log.includes(`localhost does not resolve to ${member.name}, which`), server.log);

      const config = fs.readFileSync(join(member.etc, 'csync2.cfg'), 'latin1');
      member.configure(`nossl * *;\n${config}`);
      member.tree.write('more', 'content');
      const mismatch = await member.run('-x');
      assert.equal(mismatch.code, 1);
      assert.match(
        mismatch.output,
        /SSL encrypted connection expected!\nThere is a 'nossl' for .* in the configuration of/,
      );
      member.configure(config);
      fs.rmSync(member.tree.path('more'));
      await member.run('-cr /');

      assert.match(await overTls(server.name, server.port, member.name, member.name), /content|data_follows/);
      assert.match(await overTls(server.name, server.port, member.name, 'somebody'), /Identification failed!/);
      assert.doesNotMatch(await overTls(server.name, server.port, member.name, 'somebody'), /data_follows/);
      assert.doesNotMatch(await overTls(server.name, server.port, member.name, undefined), /OK \(data_follows/);

      const known = server.rows().peers.length;
      const stranger = '127.249.1.1';
      assert.doesNotMatch(await overTls(server.name, server.port, stranger, 'stranger'), /data_follows/);
      assert.equal(server.rows().peers.length, known, 'the certificate of a stranger is remembered');

      server.tree.write('file', 'changed', { mtime: 1_700_000_100 });
      await member.serve();
      assert.equal((await server.run('-x')).code, 0, 'the certificate that is known');
      await member.kill();
      member.useCertificate('yet another');
      await member.serve();
      server.tree.write('file', 'changed again', { mtime: 1_700_000_200 });
      const refused = await server.run('-x');
      assert.equal(refused.code, 1);
      assert.equal(member.tree.read('file'), 'changed');
    } finally {
      await site.close();
    }
  });
});

test('a server whose keys others can read says so, once for each', async () => {
  const site = new Site({ hosts: 2, tls: true });
  const [client, server] = [site.at(0), site.at(1)];
  try {
    site.configure();
    const files = ['k', 'csync2_ssl_key.pem'].map((name) => join(server.etc, name));
    for (const file of files) fs.chmodSync(file, 0o644);
    await server.serve();
    for (const content of ['one', 'another']) {
      client.tree.write('file', content);
      assert.equal((await client.run('-x')).code, 0);
    }
    for (const file of files) assert.equal(server.log.split(`WARNING: ${file} is not for its owner alone`).length, 2);
  } finally {
    await site.close();
  }
});

describe('what somebody in between adds before the encryption begins', () => {
  test('commands for the server are none', async () => {
    const site = new Site({ hosts: 2, tls: true });
    const [server, member] = [site.at(0), site.at(1)];
    try {
      site.configure();
      await server.serve();
      const added = `\nCONFIG \nHELLO ${member.name}\nGROUP nosuch`;
      assert.equal(await overTls(server.name, server.port, member.name, member.name, added), '');
      assert.deepEqual(server.rows().peers, [], 'nobody said hello');
    } finally {
      await site.close();
    }
  });

  test('answers for the client are none', async () => {
    const site = new Site({ hosts: 2, tls: true });
    const [client, server] = [site.at(0), site.at(1)];
    const finished = 'OK (cmd_finished).\n';
    const middle = net.createServer((near) => {
      const far = net.connect({ host: server.name, port: server.port, localAddress: near.remoteAddress ?? '' });
      for (const socket of [near, far]) socket.on('error', () => [near, far].forEach((each) => each.destroy()));
      near.pipe(far);
      far.once('data', (line) => {
        near.write(`${line.toString('latin1')}${finished}OK (caps xput).\n${finished.repeat(4)}`);
        far.pipe(near);
      });
    });
    try {
      site.configure();
      await server.serve(true);
      await new Promise<void>((resolve) => middle.listen(30_865, server.name, resolve));
      client.tree.write('file', 'content');
      const { code, output } = await client.run('-x');
      assert.equal(code, 1, output);
      assert.equal(client.rows().dirty.length, 2, 'nothing was sent, so nothing is forgotten');
    } finally {
      middle.close();
      await site.close();
    }
  });
});

/** All that a server answers to a client with this certificate (or none) that asks for a file. `added`: goes along in the clear. */
async function overTls(
  host: string,
  port: number,
  from: string,
  name: string | undefined,
  added = '',
): Promise<string> {
  const peer = await RawPeer.connect(host, port, from);
  assert.equal(await peer.ask(`SSL${added}`), 'OK (activating_ssl).');
  peer.socket.removeAllListeners('data');
  const own = name === undefined ? undefined : certificate(name);
  const credentials = own === undefined ? {} : { cert: fs.readFileSync(own.cert), key: fs.readFileSync(own.key) };
  return new Promise((resolve) => {
    let answer = '';
    const socket = tls.connect({ socket: peer.socket, rejectUnauthorized: false, ...credentials });
    const over = (): void => resolve(answer);
    socket.on('secureConnect', () => socket.write(`CONFIG \nHELLO ${from}\nGETSZ ${key} %25t%25/file\nBYE\n`));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', over);
    socket.on('close', over);
    setTimeout(() => socket.destroy(), 5000).unref();
  });
}
