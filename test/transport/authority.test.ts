import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import tls from 'node:tls';
import type { TlsCredentials } from '../../src/transport/channel.ts';
import { listenTcp } from '../../src/transport/listenTcp.ts';
import { Authority } from './authority.ts';
import { connectedPair, hasCode, makeCertificate, readLine, scratchDirectory } from './fixtures.ts';

const scratch = scratchDirectory();
after(scratch.remove);
const trusted = new Authority('the authority');
const other = new Authority('another authority');
const authority = trusted.certificate;
const self = { ...trusted.issue('us.example'), authority };

/** What each side has to say about the other's being `peer.example`. */
async function objections(theirs: TlsCredentials, host = 'peer.example'): Promise<readonly (string | undefined)[]> {
  const said: (string | undefined)[] = [];
  for (const role of ['client', 'server'] as const) {
    const pair = await connectedPair();
    const [ours, peers] = role === 'client' ? [pair.client, pair.server] : [pair.server, pair.client];
    await Promise.all([
      ours.startTls(role, self),
      peers.startTls(role === 'client' ? 'server' : 'client', { ...theirs, authority }),
    ]);
    assert.ok(ours.objection !== undefined);
    said.push(ours.objection(host));
    ours.write('bytes go both ways all the same\n');
    assert.match(await readLine(peers), /both ways/);
    pair.destroy();
  }
  return said;
}

describe('an authority that vouches for peers, in both roles', () => {
  const cases: readonly (readonly [what: string, theirs: () => TlsCredentials, objection: RegExp | undefined])[] = [
    ['signed by it, for this host', () => trusted.issue('peer.example'), undefined],
    ['for the host in another case', () => trusted.issue('PEER.example'), undefined],
    ['for another host', () => trusted.issue('other.example'), /^it is for .*other\.example.*, not for peer\.example$/],
    ['for an address', () => trusted.issue('127.0.0.1'), /^it is for .*127\.0\.0\.1.*, not for peer\.example$/],
    ['signed by another', () => other.issue('peer.example'), /signed by another authority$/],
    ['by one of the same name', () => new Authority('nobody').issue('peer.example'), /by another authority$/],
    ['that has ended', () => trusted.issue('peer.example', -1), /it has expired$/],
    ['that nobody signed', () => makeCertificate(scratch.path, 'peer.example'), /it is signed by itself$/],
  ];
  for (const [what, theirs, objection] of cases) {
    test(what, async () => {
      for (const said of await objections(theirs())) {
        if (objection === undefined) assert.equal(said, undefined);
        else assert.match(said ?? 'nothing', objection);
      }
    });
  }

  test('hosts may be addresses', async () => {
    assert.deepEqual(await objections(trusted.issue('127.2.3.4'), '127.2.3.4'), [undefined, undefined]);
    assert.match((await objections(trusted.issue('127.2.3.4'), '127.2.3.5')).join(), /not for 127\.2\.3\.5/);
  });

  test('without one there is nobody to ask', async () => {
    const pair = await connectedPair();
    const plain = trusted.issue('peer.example');
    assert.equal(pair.client.objection, undefined);
    await Promise.all([pair.client.startTls('client', plain), pair.server.startTls('server', plain)]);
    assert.equal(pair.client.objection, undefined);
    assert.equal(pair.server.objection, undefined);
    pair.destroy();
  });

  test('showing none is refused as ever', async () => {
    const pair = await connectedPair();
    const listener = await listenTcp({
      address: '127.0.0.1',
      port: 0,
      onChannel: (channel) => void channel.startTls('server', self).catch((error: unknown) => failed(error)),
      onError: assert.fail,
    });
    let failed: (error: unknown) => void = () => undefined;
    const failure = new Promise((resolve) => (failed = resolve));
    const stranger = tls.connect({ host: '127.0.0.1', port: listener.port, rejectUnauthorized: false });
    stranger.on('error', () => stranger.destroy());
    assert.ok(hasCode('NO_CERTIFICATE')(await failure));
    stranger.destroy();
    listener.close();
    pair.destroy();
  });
});

describe('the least version', () => {
  const versions: readonly (readonly ['1.2' | '1.3' | undefined, '1.2' | '1.3' | undefined])[] = [
    [undefined, undefined],
    ['1.2', undefined],
    ['1.3', '1.3'],
    [undefined, '1.3'],
  ];
  for (const [client, server] of versions) {
    test(`client ${client ?? 'default'}, server ${server ?? 'default'}`, async () => {
      const pair = await connectedPair();
      await Promise.all([
        pair.client.startTls('client', { ...self, minVersion: client }),
        pair.server.startTls('server', { ...self, minVersion: server }),
      ]);
      pair.client.write('ping\n');
      assert.equal(await readLine(pair.server), 'ping');
      pair.destroy();
    });
  }

  test('1.3 with a server that offers 1.2 at most, or with a client of 1.2, is an error on both sides', async () => {
    const pair = await connectedPair();
    const both = await Promise.allSettled([
      pair.client.startTls('client', { ...self, minVersion: '1.3' }),
      pair.server.startTls('server', self),
    ]);
    for (const end of both)
      assert.ok(end.status === 'rejected' && (hasCode('TLS')(end.reason) || hasCode('RESET')(end.reason)));
    pair.destroy();
  });
});
