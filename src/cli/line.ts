import { fromText } from '../bytes/bytes.ts';
import type { Line } from '../sync/handshake.ts';
import { connectTcp } from '../transport/connectTcp.ts';
import { portNumber } from './arguments.ts';
import { readCredentials } from './credentials.ts';
import { idleTimeoutOf } from './limits.ts';
import { warnOfLooseKeys } from './secretFile.ts';
import { type Place, type Setup, SetupError } from './setup.ts';

/** How this host calls its peers. */
export function lineOf(place: Place, { config, cluster, store, log, stop, progress }: Setup): Line {
  const { options, host } = place;
  warnOfLooseKeys(place, config, cluster, log);
  return {
    dial: async (peer) => {
      stop.asked.throwIfAborted();
      const connecting = connectTcp({
        host: peer,
        port: portOf(place),
        localAddress: options.hostName,
        connectTimeout: config.limits.connect,
        idleTimeout: idleTimeoutOf(config),
        log,
      });
      const { channel } = await unless(stop.now, connecting);
      progress?.connected(peer, channel);
      stop.now.addEventListener('abort', () => channel.destroy(), { once: true });
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

function unless<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
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
