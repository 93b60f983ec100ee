import { fromText } from '../bytes/bytes.ts';
import type { Line } from '../sync/handshake.ts';
import { connectTcp } from '../transport/connectTcp.ts';
import { portNumber } from './arguments.ts';
import { readCredentials } from './credentials.ts';
import { idleTimeoutOf } from './limits.ts';
import { warnOfLooseKeys } from './secretFile.ts';
import { type Place, type Setup, SetupError } from './setup.ts';

/** How this host calls its peers. */
export function lineOf(place: Place, { config, cluster, store, log }: Setup): Line {
  const { options, host } = place;
  warnOfLooseKeys(place, config, cluster, log);
  return {
    dial: async (peer) => {
      const { channel } = await connectTcp({
        host: peer,
        port: portOf(place),
        localAddress: options.hostName,
        connectTimeout: config.limits.connect,
        idleTimeout: idleTimeoutOf(config),
        log,
      });
      return channel;
    },
    credentials: () => readCredentials(place, config, log),
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
