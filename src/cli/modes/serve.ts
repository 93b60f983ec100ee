import { fromText } from '../../bytes/bytes.ts';
import { createSession, Daemon, serve, type Surroundings } from '../../daemon/daemon.ts';
import { tellServiceManager } from '../../daemon/serviceManager.ts';
import { NotAMemberError } from '../../groups/cluster.ts';
import type { BranchingLog } from '../../log/log.ts';
import * as messages from '../../log/messages.ts';
import { writeFully } from '../../log/writeFully.ts';
import type { Served } from '../../session/served.ts';
import { resolvesTo } from '../../transport/addresses.ts';
import { openStdio } from '../../transport/openStdio.ts';
import { portOf } from '../line.ts';
import { idleTimeoutOf } from '../limits.ts';
import { warnOfLooseKeys } from '../secretFile.ts';
import { ServerSettings } from '../serverSettings.ts';
import { identifyDatabase, openDatabase, type Place, readCluster } from '../setup.ts';
import { SharedStores } from '../sharedStores.ts';

/** `-i`: the connection that inetd, systemd or ssh put at standard input and output. Returns the exit code. */
export async function serveStdio(place: Place, log: BranchingLog): Promise<number> {
  const channel = openStdio();
  if (channel === undefined) return 0;
  const session = createSession(channel, surroundingsOf(place, new ServerSettings(place, log), log), log);
  onSignals(() => session.stop());
  await serve(session, channel);
  return session.hasFailed ? 1 : 0;
}

/** `-ii` and `-iii`. Returns the exit code: that of the one connection, or 0. */
export async function serveSocket(place: Place, log: BranchingLog, once: boolean): Promise<number> {
  const settings = new ServerSettings(place, log);
  const daemon = new Daemon(
    {
      address: place.options.hostName,
      port: portOf(place),
      fd: listenDescriptor(),
      name: place.host,
      once,
      limits: () => settings.admission,
      onReady: () => {
        writeFully(1, messages.daemonRunning + '\n');
        tellServiceManager('READY=1', log);
      },
    },
    surroundingsOf(place, settings, log),
    log,
  );
  onSignals((again) => {
    if (!again) tellServiceManager('STOPPING=1', log);
    return again ? daemon.stop() : daemon.drain();
  });
  process.on('SIGHUP', () => settings.reload());
  await daemon.run();
  return once && daemon.hasFailed ? 1 : 0;
}

/** The first signal asks for an orderly end, the second one for a quick one. */
function onSignals(end: (again: boolean) => void): void {
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      end(asked);
      asked = true;
    });
  }
}

/** systemd's socket activation: descriptor 3 when it is meant for this process. */
function listenDescriptor(): number | undefined {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = process.env;
  return pid === String(process.pid) && Number(count) >= 1 ? 3 : undefined;
}

/** What the sessions of a daemon need. */
export function surroundingsOf(place: Place, settings: ServerSettings, log: BranchingLog): Surroundings {
  const stores = new SharedStores();
  return {
    configure: async (name): Promise<Served> => {
      const { config, cluster } = readCluster(place, name, log, undefined);
      if (!cluster.isMember) throw new NotAMemberError(place.host);
      warnOfLooseKeys(place, config, cluster, log);
      const { store, release } = await stores.open(name, {
        identify: () => identifyDatabase(place, name, config),
        open: () => openDatabase(place, name, config, log),
      });
      const restrictTo = (groups: readonly string[]) => readCluster(place, name, log, groups).cluster;
      return {
        cluster,
        restrictTo,
        ignored: config.ignore,
        store,
        durable: !place.options.unsafe,
        idle: idleTimeoutOf(config),
        largestFile: config.limits.size,
        release,
      };
    },
    credentials: () => settings.credentials(),
    resolvesTo: (host, address) => resolvesTo(fromText(host), address),
    limits: () => settings.session,
  };
}
