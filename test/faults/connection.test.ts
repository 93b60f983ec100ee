import assert from 'node:assert/strict';
import net from 'node:net';
import tls from 'node:tls';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { certificate } from '../scenarios/harness/certificates.ts';
import { isInstalled, type Program } from '../scenarios/harness/programs.ts';
import { RawPeer } from './harness/rawPeer.ts';
import { type FaultHost, key, Site } from './harness/site.ts';

/** What happens to a connection. `bytes`: of the client that pass before. */
type Fault =
  | { readonly kind: 'reset' | 'end' | 'stall'; readonly bytes: number }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  | { readonly kind: 'none' };

/** Stands between a client and a server and does to each connection what `fault` says at that moment. */
function troublemaker(target: net.TcpNetConnectOpts, fault: () => Fault): net.Server {
  return net.createServer({ allowHalfOpen: true }, (client) => {
    const server = net.connect({ ...target, localAddress: client.remoteAddress ?? '', allowHalfOpen: true });
    const both = [client, server];
    const now = fault();
    const limit = 'bytes' in now ? now.bytes : Infinity;
    let passed = 0;
    for (const socket of both) socket.on('error', () => both.forEach((each) => each.destroy()));
    client.on('data', (chunk) => {
      if (passed >= limit) return;
      if (now.kind === 'slow') return trickle(chunk, client, server, now.bytesPerSecond);
      server.write(chunk.subarray(0, limit - passed));
      passed += chunk.length;
      if (passed < limit) return;
      if (now.kind === 'reset') both.forEach((each) => each.resetAndDestroy());
      if (now.kind === 'end') both.forEach((each) => each.end());
    });
    server.on('data', (chunk) => {
      if (now.kind !== 'stall' || passed < limit) client.write(chunk);
    });
    client.on('end', () => server.end());
    server.on('end', () => client.end());
  });
}

/** A tenth of a second's worth at a time; nothing more is taken meanwhile. */
function trickle(chunk: Buffer, from: net.Socket, to: net.Socket, bytesPerSecond: number): void {
  from.pause();
  let at = 0;
  const step = bytesPerSecond / 10;
  const timer = setInterval(() => {
    to.write(chunk.subarray(at, (at += step)));
    if (at < chunk.length && !to.destroyed) return;
    clearInterval(timer);
    from.resume();
  }, 100);
}

interface Line {
  readonly client: FaultHost;
  readonly server: FaultHost;
  fault: Fault;
}

async function withLine(
  programs: readonly Program[],
  before: string,
  work: (line: Line) => Promise<void>,
): Promise<void> {
  const site = new Site({ hosts: 2, programs });
  const [client, server] = [site.at(0), site.at(1)];
  const line: Line = { client, server, fault: { kind: 'none' } };
  const between = troublemaker({ host: server.name, port: 30_866 }, () => line.fault);
  try {
    site.configure('', before);
    await new Promise<void>((resolve) => between.listen(30_865, server.name, resolve));
    await server.serve(true);
    await work(line);
  } finally {
    between.close();
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
          const { client, server } = line;
          client.tree.write('file', content(1));
          assert.equal((await client.run('-x')).code, 0);
          for (let piece = 0; piece < pieces; piece++) {
            client.tree.write('file', content(piece + 2), { mtime: 1_700_000_100 + piece });
            line.fault = { kind, bytes: Math.floor((size * (piece + 0.5)) / pieces) };
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
          line.fault = { kind: 'none' };
          await completes(line);
        });
      });
    }
  }

  test('one that stands still ends after the idle time, on both sides, and the run after it completes', async () => {
    await withLine(['ours', 'ours'], 'idle-timeout 2;\n', async (line) => {
      const { client, server } = line;
      client.tree.write('file', content(1));
      for (const bytes of [20, 60, 200, size / 2]) {
        line.fault = { kind: 'stall', bytes };
        const { code, output } = await client.run('-x', 20_000);
        assert.equal(code, 1, output);
        assert.ok(client.rows().dirty.length > 0);
      }
      line.fault = { kind: 'none' };
      await completes(line);
      assert.deepEqual(server.leftovers(), []);
    });
  });

  test('one that is slow is no trouble, however long it takes, as long as something moves', async () => {
    await withLine(['ours', 'ours'], 'idle-timeout 2;\n', async (line) => {
      for (let at = 0; at < 5; at++) line.client.tree.write(`file${at}`, Buffer.alloc(900, at));
      line.fault = { kind: 'slow', bytesPerSecond: 1000 };
      await completes(line);
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
      plain.close();

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
