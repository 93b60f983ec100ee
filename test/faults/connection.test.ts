import assert from 'node:assert/strict';
import net from 'node:net';
import tls from 'node:tls';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { certificate } from '../scenarios/harness/certificates.ts';
import { RawPeer } from './harness/rawPeer.ts';
import { key, Site } from './harness/site.ts';

/** Hands bytes on until so many have gone from the client, then resets both sides. */
function cutter(target: net.TcpNetConnectOpts, limit: () => number): net.Server {
  return net.createServer({ allowHalfOpen: true }, (client) => {
    const server = net.connect({ ...target, localAddress: client.remoteAddress ?? '', allowHalfOpen: true });
    let passed = 0;
    for (const socket of [client, server]) socket.on('error', () => undefined);
    client.on('data', (chunk) => {
      const rest = chunk.subarray(0, Math.max(0, limit() - passed));
      passed += chunk.length;
      server.write(rest);
      if (passed < limit()) return;
      client.resetAndDestroy();
      server.resetAndDestroy();
    });
    server.on('data', (chunk) => client.write(chunk));
    client.on('end', () => server.end());
    server.on('end', () => client.end());
  });
}

describe('a connection that breaks', () => {
  test('at every fiftieth of a transfer: the old file stays whole, and the run after it completes', async () => {
    const site = new Site({ hosts: 2 });
    const [client, server] = [site.at(0), site.at(1)];
    const pieces = process.env['LONG_TESTS'] === undefined ? 10 : 50;
    const size = 1_500_000;
    let limit = Infinity;
    const cut = cutter({ host: server.name, port: 30_866 }, () => limit);
    try {
      site.configure();
      await new Promise<void>((resolve) => cut.listen(30_865, server.name, resolve));
      await server.serve(true);
      const content = (version: number): Buffer => Buffer.alloc(size, version % 256);
      client.tree.write('file', content(1));
      assert.equal((await client.run('-x')).code, 0);
      for (let piece = 0; piece < pieces; piece++) {
        client.tree.write('file', content(piece + 2), { mtime: 1_700_000_100 + piece });
        limit = Math.floor((size * (piece + 0.5)) / pieces);
        const broken = await client.run('-x', 20_000);
        assert.equal(broken.code, 1, broken.output);
        assert.ok(
          server.tree.read('file') === content(1).toString('latin1'),
          `piece ${piece}: the old file is not whole`,
        );
        assert.equal(client.rows().dirty.length, 1);
      }
      limit = Infinity;
      assert.equal((await client.run('-x')).code, 0);
      assert.deepEqual(server.tree.snapshot(), client.tree.snapshot());
      assert.deepEqual(server.rows().dirty, []);
    } finally {
      await new Promise((resolve) => cut.close(resolve));
      await site.close();
    }
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

/** All that a server answers to a client with this certificate (or none) that asks for a file. */
async function overTls(host: string, port: number, from: string, name: string | undefined): Promise<string> {
  const peer = await RawPeer.connect(host, port, from);
  assert.equal(await peer.ask('SSL'), 'OK (activating_ssl).');
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
