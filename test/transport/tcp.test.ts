import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normaliseAddress, resolvesTo, sameAddress } from '../../src/transport/addresses.ts';
import { type Channel, ChannelError } from '../../src/transport/channel.ts';
import { connectTcp } from '../../src/transport/connectTcp.ts';
import { type Listener, listenTcp } from '../../src/transport/listenTcp.ts';
import { deafListener } from '../scenarios/harness/deafListener.ts';
import { hasCode, readLine, recordingLog } from './fixtures.ts';

async function listenOn(address?: string): Promise<{ listener: Listener; channels: Channel[] }> {
  const channels: Channel[] = [];
  const onChannel = (channel: Channel): void => void channels.push(channel);
  return { listener: await listenTcp({ address, port: 0, onChannel, onError: assert.fail }), channels };
}

describe('connecting', () => {
  test('comes from the wanted address and says so as csync2 does', async () => {
    const { listener } = await listenOn('127.2.1.2');
    const log = recordingLog();
    const options = { host: '127.2.1.2', port: listener.port, localAddress: '127.2.1.1', log };
    const { channel, localAddress, remoteAddress } = await connectTcp(options);
    assert.deepEqual([localAddress, remoteAddress], ['127.2.1.1', '127.2.1.2']);
    assert.deepEqual(log.lines, [
      'Bound to 127.2.1.1:0 as 127.2.1.1.',
      `Connect to 127.2.1.2:${listener.port} (127.2.1.2).`,
    ]);
    channel.destroy();
    listener.close();
  });

  test('goes on unbound when the wanted address is not ours or not known', async () => {
    for (const localAddress of ['192.0.2.1', 'no-such-host.invalid', 'not a name']) {
      const { listener } = await listenOn('127.0.0.1');
      const log = recordingLog();
      const connection = await connectTcp({ host: '127.0.0.1', port: listener.port, localAddress, log });
      assert.equal(connection.localAddress, '127.0.0.1');
      assert.match(log.lines.join('\n'), /ignored\.\nConnect to 127\.0\.0\.1/);
      connection.channel.destroy();
      listener.close();
    }
  });

  test('fails with the reason', async () => {
    const { listener } = await listenOn('127.0.0.1');
    listener.close();
    const log = recordingLog();
    const refused = connectTcp({ host: '127.0.0.1', port: listener.port, log });
    await assert.rejects(
      refused,
      (error) => hasCode('CONNECT')(error) && /^Connection refused$/i.test((error as Error).message),
    );
    await assert.rejects(connectTcp({ host: 'no-such-host.invalid', port: 1, log }), hasCode('RESOLVE'));
    await assert.rejects(connectTcp({ host: '', port: 1, log }), hasCode('RESOLVE'));
    assert.deepEqual(log.lines, []);
  });

  test('gives up after the connect timeout', async (t) => {
    const deaf = await deafListener('127.2.1.9', 0);
    if (deaf === undefined) return t.skip('skipped: no deaf listener can be made here');
    const start = performance.now();
    const options = { host: '127.2.1.9', port: deaf.port, connectTimeout: 0.3, log: recordingLog() };
    const outcome = await connectTcp(options).catch((error: unknown) => error);
    deaf.close();
    assert.ok(outcome instanceof ChannelError);
    assert.equal(outcome.code, 'CONNECT_TIMEOUT');
    assert.ok(performance.now() - start < 5000);
  });

  test('tries all addresses of a host', async () => {
    const { listener } = await listenOn('127.0.0.1');
    const { channel, remoteAddress } = await connectTcp({
      host: 'localhost',
      port: listener.port,
      log: recordingLog(),
    });
    assert.equal(remoteAddress, '127.0.0.1');
    channel.destroy();
    listener.close();
  });

  test('sets the idle timeout from the start', async () => {
    const { listener } = await listenOn('127.0.0.1');
    const options = { host: '127.0.0.1', port: listener.port, idleTimeout: 0.05, log: recordingLog() };
    const { channel } = await connectTcp(options);
    await assert.rejects(channel.read(), hasCode('IDLE_TIMEOUT'));
    listener.close();
  });
});

describe('listening', () => {
  test('without an address takes IPv4, written as IPv4', async () => {
    const { listener, channels } = await listenOn();
    const { channel } = await connectTcp({
      host: '127.2.1.3',
      port: listener.port,
      localAddress: '127.2.1.4',
      log: recordingLog(),
    });
    channel.write('x\n');
    for (let tries = 0; tries < 100 && channels.length === 0; tries += 1) await new Promise(setImmediate);
    const accepted = channels[0] as Channel;
    assert.equal(accepted.remoteAddress, '127.2.1.4');
    assert.equal(await readLine(accepted), 'x');
    channel.destroy();
    accepted.destroy();
    listener.close();
  });

  test('accepts no more after close, and serves on who was accepted', async () => {
    const { listener, channels } = await listenOn('127.0.0.1');
    const { channel } = await connectTcp({ host: '127.0.0.1', port: listener.port, log: recordingLog() });
    for (let tries = 0; tries < 100 && channels.length === 0; tries += 1) await new Promise(setImmediate);
    listener.close();
    await assert.rejects(
      connectTcp({ host: '127.0.0.1', port: listener.port, log: recordingLog() }),
      hasCode('CONNECT'),
    );
    channels[0]?.write('still here\n');
    assert.equal(await readLine(channel), 'still here');
    channel.destroy();
    channels[0]?.destroy();
  });

  test('fails with the reason', async () => {
    const { listener } = await listenOn('127.0.0.1');
    const options = { onChannel: () => assert.fail(), onError: () => assert.fail() };
    const taken = listenTcp({ ...options, address: '127.0.0.1', port: listener.port });
    await assert.rejects(
      taken,
      (error) => hasCode('LISTEN')(error) && /Address already in use/i.test((error as Error).message),
    );
    await assert.rejects(listenTcp({ ...options, address: 'no-such-host.invalid', port: 0 }), hasCode('RESOLVE'));
    await assert.rejects(listenTcp({ ...options, port: 0, fd: 9999 }), hasCode('LISTEN'));
    listener.close();
  });
});

describe('addresses', () => {
  test('IPv4-mapped IPv6 is IPv4', () => {
    assert.equal(normaliseAddress('::ffff:127.0.0.1'), '127.0.0.1');
    assert.equal(normaliseAddress('::FFFF:10.0.0.1'), '10.0.0.1');
    assert.equal(normaliseAddress('fe80::1'), 'fe80::1');
    assert.equal(normaliseAddress('::1'), '::1');
  });

  test('are compared, not their spelling', () => {
    assert.ok(sameAddress('::1', '0:0:0:0:0:0:0:1'));
    assert.ok(sameAddress('FE80::1', 'fe80::1%eth0'));
    assert.ok(sameAddress('::ffff:127.0.0.1', '127.0.0.1'));
    assert.ok(!sameAddress('127.0.0.1', '127.0.0.2'));
    assert.ok(!sameAddress('::1', '127.0.0.1'));
    assert.ok(!sameAddress('nonsense', '127.0.0.1'));
  });

  test('a name stands for each of the addresses that it resolves to', async () => {
    assert.equal(await resolvesTo('127.2.1.1', '127.2.1.1'), true);
    assert.equal(await resolvesTo('127.2.1.1', '127.2.1.2'), false);
    assert.equal(await resolvesTo('localhost', '127.0.0.1'), true);
    assert.equal(await resolvesTo('no-such-host.invalid', '127.0.0.1'), false);
    for (const name of ['', 'a b', 'a\0b', 'x'.repeat(300), '\xff'])
      assert.equal(await resolvesTo(name, '127.0.0.1'), false);
  });
});
