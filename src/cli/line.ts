import { fromText } from '../bytes/bytes.ts';
import type { Line } from '../sync/handshake.ts';
import { connectTcp } from '../transport/connectTcp.ts';
import { portNumber } from './arguments.ts';
import { type Place, readCredentials, type Setup, SetupError } from './setup.ts';

/** Seconds without a byte after which a peer counts as gone. A C server says nothing while it hashes a large file. */
const idleTimeout = 600;

/** How this host calls its peers. */
export function lineOf(place: Place, { cluster, store, log }: Setup): Line {
  const { options, host } = place;
  return {
    dial: async (peer) => {
      const { channel } = await connectTcp({
        host: peer,
        port: portOf(place),
        localAddress: options.hostName,
        idleTimeout,
        log,
      });
      return channel;
    },
    credentials: () => readCredentials(place),
    usesPlain: (peer) => cluster.usesPlain(host, peer),
    store,
    log,
    config: options.configName,
    groups: options.groups,
  };
}

export function portOf({ options }: Place): number {
  const port = portNumber(fromText(options.port));
  if (port === undefined)
    throw new SetupError(
      'ARGUMENT',
      `No such port: ${options.port}. It is a number up to 65535 or a name in /etc/services.`,
    );
  return port;
}
