import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import tls from 'node:tls';
import type { Channel, TlsCredentials } from '../../src/transport/channel.ts';
import { connectTcp } from '../../src/transport/connectTcp.ts';
import { listenTcp } from '../../src/transport/listenTcp.ts';
import {
  connectedPair,
  hasCode,
  later,
  makeCertificate,
  readLine,
  readToEnd,
  readUntil,
  recordingLog,
  scratchDirectory,
} from './fixtures.ts';

const scratch = scratchDirectory();
after(scratch.remove);
const ours = makeCertificate(scratch.path, 'ours');
const theirs = makeCertificate(scratch.path, 'theirs', 'rsa:2048');
const der = (credentials: TlsCredentials): string => new X509Certificate(credentials.certificate).raw.toString('hex');
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

async function securePair(client = ours, server = theirs): Promise<Awaited<ReturnType<typeof connectedPair>>> {
  const pair = await connectedPair();
  await Promise.all([pair.client.startTls('client', client), pair.server.startTls('server', server)]);
  return pair;
}

describe('TLS between channels', () => {
  test('each side sees the certificate of the other, and bytes go both ways', async () => {
    const pair = await securePair();
    assert.equal(pair.client.encrypted, true);
    assert.equal(pair.server.encrypted, true);
    assert.equal(hex(pair.client.peerCertificate), der(theirs));
    assert.equal(hex(pair.server.peerCertificate), der(ours));
    pair.client.write('from \xff client\n');
    pair.server.write('from server\n');
    assert.equal(await readLine(pair.server), 'from \xff client');
    assert.equal(await readLine(pair.client), 'from server');
    await Promise.all([pair.client.close(), pair.server.close()]);
  });

  test('what is written before the switch arrives in the clear, what is written after it encrypted', async () => {
    const pair = await connectedPair();
    pair.server.write('OK (activating_ssl).\n');
    const served = pair.server.startTls('server', theirs);
    assert.equal(await readLine(pair.client), 'OK (activating_ssl).');
    await pair.client.startTls('client', ours);
    await served;
    pair.client.write('CONFIG \n');
    assert.equal(await readLine(pair.server), 'CONFIG ');
    pair.destroy();
  });

  test('the beginning of the handshake may have been read already, or wait unread', async () => {
    for (const handBack of [true, false]) {
      const pair = await connectedPair();
      pair.client.write('SSL\n');
      const connecting = pair.client.startTls('client', ours);
      await later(50);
      const chunk = (await pair.server.read()) as Uint8Array;
      if (handBack) {
        const more = chunk.length > 4 ? chunk.subarray(4) : ((await pair.server.read()) as Uint8Array);
        await pair.server.startTls('server', theirs, more);
      } else {
        await pair.server.startTls('server', theirs, chunk.subarray(4));
      }
      await connecting;
      pair.server.write('hello\n');
      assert.equal(await readLine(pair.client), 'hello');
      pair.destroy();
    }
  });

  test('a megabyte comes through whole, and closing tells the end', async () => {
    const pair = await securePair();
    const content = Buffer.alloc(1 << 20, 'synchronised ');
    pair.client.write(content);
    const closed = pair.client.close();
    const received = await readToEnd(pair.server);
    assert.equal(received, content.toString('latin1'));
    await pair.server.close();
    await closed;
  });

  test('a peer that hangs up during the handshake is an error, not an exception', async () => {
    for (const role of ['client', 'server'] as const) {
      const pair = await connectedPair();
      const securing = pair.client.startTls(role, ours);
      const failed = assert.rejects(securing, (error) => hasCode('RESET')(error) || hasCode('TLS')(error));
      await later(20);
      pair.server.destroy();
      await failed;
    }
  });

  test('a peer that speaks no TLS is refused', async () => {
    for (const role of ['client', 'server'] as const) {
      const pair = await connectedPair();
      pair.server.write('HELLO, I am no TLS at all, and that is that.\n');
      await assert.rejects(pair.client.startTls(role, ours), hasCode('TLS'));
      pair.destroy();
    }
  });

  test('a silent handshake runs into the idle timeout', async () => {
    const pair = await connectedPair();
    pair.client.setIdleTimeout(0.1);
    await assert.rejects(pair.client.startTls('client', ours), hasCode('IDLE_TIMEOUT'));
    pair.destroy();
  });

  test('credentials that cannot be used are an error', async () => {
    const pair = await connectedPair();
    await assert.rejects(pair.client.startTls('client', { key: ours.key, certificate: 'nonsense' }), hasCode('TLS'));
    pair.destroy();
  });

  test('keys of 1,024 bits, as old instructions make them, still work', async () => {
    const old = makeCertificate(scratch.path, 'old', 'rsa:1024');
    const pair = await securePair(old, old);
    pair.client.write('ping\n');
    assert.equal(await readLine(pair.server), 'ping');
    pair.destroy();
    (await securePair(ours, old)).destroy();
    (await securePair(old, ours)).destroy();
  });

  test('keys on elliptic curves work', async () => {
    const curve = makeCertificate(scratch.path, 'curve', 'ed25519');
    const pair = await securePair(ours, curve);
    assert.equal(hex(pair.client.peerCertificate), der(curve));
    pair.destroy();
  });
});

describe('TLS with other programs', () => {
  const listening = async (): Promise<{ port: number; accepted: Promise<Channel>; stop: () => void }> => {
    let found: (channel: Channel) => void;
    const accepted = new Promise<Channel>((resolve) => (found = resolve));
    const onChannel = (channel: Channel): void => found(channel);
    const listener = await listenTcp({ address: '127.0.0.1', port: 0, onChannel, onError: assert.fail });
    return { port: listener.port, accepted, stop: () => listener.close() };
  };

  test('a client without certificate is refused', async () => {
    const { port, accepted, stop } = await listening();
    const stranger = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    stranger.on('error', () => stranger.destroy());
    const channel = await accepted;
    await assert.rejects(channel.startTls('server', ours), hasCode('NO_CERTIFICATE'));
    await assert.rejects(channel.read(), hasCode('NO_CERTIFICATE'));
    stranger.destroy();
    stop();
  });

  test('openssl s_client talks to our server; it gets TLS 1.2 with forward secrecy, and an orderly end', async () => {
    const certificate = ['-cert', `${scratch.path}/csync2_ssl_cert.pem`, '-key', `${scratch.path}/csync2_ssl_key.pem`];
    const shown = makeCertificate(scratch.path, 'openssl');
    const { port, accepted, stop } = await listening();
    const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-ign_eof', ...certificate]);
    let output = '';
    client.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const channel = await accepted;
    await channel.startTls('server', ours);
    assert.equal(hex(channel.peerCertificate), der(shown));
    client.stdin.write('ping\n');
    assert.equal(await readLine(channel), 'ping');
    channel.write('pong\n');
    const ended = once(client, 'close');
    await channel.close();
    await ended;
    stop();
    assert.match(output, /TLSv1\.2, Cipher is ECDHE-/);
    assert.match(output, /pong/);
    assert.match(output, /closed/);
  });

  test('openssl s_server talks to our client, in TLS 1.3', async () => {
    const shown = makeCertificate(scratch.path, 'openssl');
    const files = ['-cert', `${scratch.path}/csync2_ssl_cert.pem`, '-key', `${scratch.path}/csync2_ssl_key.pem`];
    const { port, stop, accepted } = await listening();
    stop();
    accepted.then((channel) => channel.destroy(), assert.fail);
    const server = spawn('openssl', [
      's_server',
      '-accept',
      `127.0.0.1:${port}`,
      '-naccept',
      '1',
      '-Verify',
      '1',
      '-rev',
      ...files,
    ]);
    let output = '';
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    for (let tries = 0; tries < 500 && !output.includes('ACCEPT'); tries += 1) await later(40);
    const { channel } = await connectTcp({ host: '127.0.0.1', port, log: recordingLog() });
    await channel.startTls('client', ours);
    assert.equal(hex(channel.peerCertificate), der(shown));
    channel.write('drawer\n');
    assert.equal(await readUntil(channel, (text) => text.includes('\n')), 'reward\n');
    await channel.close();
    server.kill();
    await once(server, 'close');
    assert.match(output, /TLSv1\.3/);
    assert.match(output, /CN ?= ?ours/);
  });
});
