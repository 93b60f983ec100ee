import { isIP } from 'node:net';
import { encode } from '../bytes/urlEncoding.ts';
import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { replies } from '../protocol/replies.ts';
import type { Channel } from '../transport/channel.ts';
import type { Served, SessionEnvironment } from './served.ts';

/**
 * The reply that refuses a peer which says that it is `host`, or undefined when it is. Why is for the log alone; `isAgain`: and
 * not for everybody's, since anybody may say any number of names.
 */
export async function refusalOf(
  host: string,
  channel: Channel,
  served: Pick<Served, 'cluster' | 'store'>,
  { resolvesTo, log }: SessionEnvironment,
  isAgain: boolean,
): Promise<string | undefined> {
  const explain = (reason: string): void => (isAgain ? log.write(1, reason) : log.error(reason));
  const { cluster } = served;
  const { remoteAddress: address, peerCertificate: certificate, objection } = channel;
  const isStranger = !cluster.peers.includes(host) && isIP(host) === 0;
  if (isStranger && isStrangerLookedUp) {
    explain(messages.tooManyStrangers(host.slice(0, longestHost)));
    return replies.identificationFailed;
  }
  const lookUp = isStranger ? lookUpStranger : resolvesTo;
  if (address === undefined || !(await lookUp(host, address, resolvesTo))) {
    explain(messages.notAtAddress(host.slice(0, longestHost), address ?? 'unknown'));
    return replies.identificationFailed;
  }
  if (!channel.encrypted) {
    if (cluster.usesPlain(cluster.host, host)) return undefined;
    explain(messages.notEncrypted(host));
    return replies.tlsExpected;
  }
  if (objection !== undefined) return refusalFor(objection(host), host, log);
  if (certificate === undefined) return replies.identificationFailed;
  return (await knowsCertificate(host, certificate, served, log)) ? undefined : replies.identificationFailed;
}

const longestHost = 255;

/**
 * Anybody may make up names whose name server does not answer. No more than two names are looked up at the same moment, for all
 * sessions, and so of those that are no peer's only one: members are not to wait for them.
 */
let isStrangerLookedUp = false;

async function lookUpStranger(
  host: string,
  address: string,
  resolvesTo: SessionEnvironment['resolvesTo'],
): Promise<boolean> {
  isStrangerLookedUp = true;
  try {
    return await resolvesTo(host, address);
  } finally {
    isStrangerLookedUp = false;
  }
}

/** What an authority vouches for is not remembered. */
function refusalFor(reason: string | undefined, host: string, log: Log): string | undefined {
  if (reason === undefined) return undefined;
  log.error(messages.unacceptableCertificate(host, reason));
  return replies.identificationFailed;
}

async function knowsCertificate(
  host: string,
  der: Uint8Array,
  { cluster, store }: Pick<Served, 'cluster' | 'store'>,
  log: Log,
): Promise<boolean> {
  const shown = Buffer.from(der).toString('hex').toUpperCase();
  const known = await store.certificate(encode(host));
  if (known === undefined) {
    // What strangers show is not worth remembering: they may do nothing, and there may be any number of them.
    if (!cluster.peers.includes(host)) return true;
    log.write(1, messages.addingCertificate(shown));
    await store.apply([{ type: 'putCertificate', peer: encode(host), certificate: shown }]);
    return true;
  }
  if (known === shown) return true;
  log.error(`${host}: ${messages.wrongCertificate} ${messages.acceptNewCertificate(host)}`);
  return false;
}
