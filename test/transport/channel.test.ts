import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test } from 'node:test';
import type { Channel } from '../../src/transport/channel.ts';
import { socketChannel } from '../../src/transport/socketChannel.ts';
import { connectedPair, hasCode, later, readLine, readToEnd, readUntil } from './fixtures.ts';

/** A channel with a bare socket at its other end. */
async function againstSocket(): Promise<{ channel: Channel; peer: net.Socket }> {
  const server = net.createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const peer = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  if (peer.connecting) await once(peer, 'connect');
  server.close();
  return { channel: socketChannel(socket), peer };
}

describe('a channel', () => {
  test('carries bytes and byte strings in the order in which they were written', async () => {
    const pair = await connectedPair();
    const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
    const large = Buffer.alloc(5000, 'L');
    pair.client.write(all);
    pair.client.write(Buffer.from(all, 'latin1'));
    pair.client.write(large);
    pair.client.write('tail');
    large.fill('?');
    const closed = pair.client.close();
    assert.equal(await readToEnd(pair.server), all + all + 'L'.repeat(5000) + 'tail');
    await pair.server.close();
    await closed;
    assert.equal(pair.server.encrypted, false);
    assert.equal(pair.server.peerCertificate, undefined);
    assert.equal(pair.server.remoteAddress, '127.0.0.1');
    assert.equal(typeof pair.server.remotePort, 'number');
  });

  test('sends many small writes as one, also those of later promise jobs', async () => {
    const { channel, peer } = await againstSocket();
    const sizes: number[] = [];
    peer.on('data', (chunk) => sizes.push(chunk.length));
    for (let index = 0; index < 500; index += 1) {
      channel.write('0123456789');
      await Promise.resolve();
    }
    for (let tries = 0; tries < 2000 && sizes.length === 0; tries += 1) await later(5);
    assert.deepEqual(sizes, [5000]);
    channel.destroy();
    peer.destroy();
  });

  test('answers after the peer has ended its side', async () => {
    const { channel, peer } = await againstSocket();
    peer.end('BYE\n');
    assert.equal(await readToEnd(channel), 'BYE\n');
    assert.equal(await channel.read(), undefined);
    channel.write('OK (cu_later).\n');
    const [answer] = (await once(peer, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'OK (cu_later).\n');
    await channel.close();
  });

  test('does not read more than it can hold while nobody asks', async () => {
    const { channel, peer } = await againstSocket();
    const piece = Buffer.alloc(1 << 20);
    let accepted = 0;
    let written = 0;
    for (; written < 64; written += 1) peer.write(piece, () => (accepted += 1));
    await later(200);
    assert.ok(accepted < 32, `${accepted} MB were taken`);
    let received = 0;
    while (received < written << 20) received += ((await channel.read()) as Uint8Array).length;
    assert.equal(received, written << 20);
    channel.destroy();
    peer.destroy();
  });

  test('says when to stop writing, and when to go on', async () => {
    const pair = await connectedPair();
    const piece = Buffer.alloc(64 * 1024);
    let pieces = 0;
    while (pieces < 2000 && pair.client.write(piece)) pieces += 1;
    for (
      ;
      pieces < 2000 && (await Promise.race([pair.client.drained(), later(50).then(() => 'stuck')])) === undefined;
    ) {
      while (pieces < 2000 && pair.client.write(piece)) pieces += 1;
    }
    assert.ok(pieces < 2000, 'a peer that does not read is noticed');
    const drained = pair.client.drained();
    const reading = readUntil(pair.server, (text) => text.length > pieces * piece.length);
    await drained;
    assert.equal(pair.client.write('x'.repeat(piece.length)), true);
    await reading;
    pair.destroy();
  });

  test('drained is immediate when there is room', async () => {
    const pair = await connectedPair();
    pair.client.write('x');
    await pair.client.drained();
    pair.destroy();
  });

  test('what had arrived before a reset can be read, then the reset is told', async () => {
    const { channel, peer } = await againstSocket();
    peer.write('last words\n');
    assert.equal(await readLine(channel), 'last words');
    const reading = channel.read();
    peer.resetAndDestroy();
    await assert.rejects(reading, hasCode('RESET'));
    await assert.rejects(channel.read(), hasCode('RESET'));
    await assert.rejects(channel.drained(), hasCode('RESET'));
    assert.equal(channel.write('x'), false);
    await channel.close();
  });

  test('a reset while nobody reads or writes raises nothing', async () => {
    const { channel, peer } = await againstSocket();
    peer.resetAndDestroy();
    await later(30);
    await channel.close();
    await channel.close();
    channel.destroy();
  });

  test('closing while the peer resets the connection is an end like any other', async () => {
    const { channel, peer } = await againstSocket();
    channel.write('OK (cu_later).\n');
    const closed = channel.close();
    peer.resetAndDestroy();
    await closed;
    await assert.rejects(channel.read(), (error) => hasCode('RESET')(error) || hasCode('CLOSED')(error));
  });

  test('closing does not wait for ever for a peer that keeps its side open', async () => {
    const { channel, peer } = await againstSocket();
    peer.resume();
    const start = performance.now();
    await channel.close();
    assert.ok(performance.now() - start < 4500);
    peer.destroy();
  });

  test('destroying fails a pending read, any number of times', async () => {
    const pair = await connectedPair();
    const reading = pair.client.read();
    pair.client.destroy();
    pair.client.destroy();
    await assert.rejects(reading, hasCode('CLOSED'));
    assert.equal(pair.client.write('x'), false);
    await assert.rejects(pair.client.drained(), hasCode('CLOSED'));
    pair.destroy();
  });

  test('the idle timeout ends a wait for a silent peer', async () => {
    const pair = await connectedPair();
    pair.client.setIdleTimeout(0.1);
    const start = performance.now();
    await assert.rejects(pair.client.read(), hasCode('IDLE_TIMEOUT'));
    assert.ok(performance.now() - start >= 95);
    pair.destroy();
  });

  test('the idle timeout ends a wait for a peer that does not read', async () => {
    const pair = await connectedPair();
    pair.client.setIdleTimeout(0.15);
    pair.client.write(Buffer.alloc(64 << 20));
    await assert.rejects(pair.client.drained(), hasCode('IDLE_TIMEOUT'));
    pair.destroy();
  });

  test('the idle timeout counts neither our own work nor a peer that is slow but alive', async () => {
    const pair = await connectedPair();
    pair.client.setIdleTimeout(1);
    await later(1200);
    const reading = readUntil(pair.client, (text) => text.length === 5);
    for (let index = 0; index < 5; index += 1) {
      await later(250);
      pair.server.write('.');
    }
    assert.equal(await reading, '.....');
    pair.client.setIdleTimeout(0);
    const last = pair.client.read();
    await later(1200);
    pair.server.write('!');
    assert.equal(Buffer.from((await last) as Uint8Array).toString(), '!');
    pair.destroy();
  });
});
