import { fromText } from '../../bytes/bytes.ts';
import { defaultAdmission } from '../../daemon/admission.ts';
import { Daemon, serve } from '../../daemon/daemon.ts';
import { NotAMemberError } from '../../groups/cluster.ts';
import { pidPrefix } from '../../log/levelLog.ts';
import type { BranchingLog } from '../../log/log.ts';
import * as messages from '../../log/messages.ts';
import { writeFully } from '../../log/writeFully.ts';
import { defaultLimits, type Served, type SessionEnvironment } from '../../session/served.ts';
import { Session } from '../../session/session.ts';
import { resolvesTo } from '../../transport/addresses.ts';
import { openStdio } from '../../transport/openStdio.ts';
import { portOf } from '../line.ts';
import { openDatabase, type Place, readCluster, readCredentials } from '../setup.ts';
import { SharedStores } from '../sharedStores.ts';

/** `-i`: the connection that inetd, systemd or ssh put at standard input and output. */
export async function serveStdio(place: Place, log: BranchingLog): Promise<void> {
  const channel = openStdio();
  const environment = environmentOf(place, log);
  const session = new Session(channel, { ...environment, log: log.child(pidPrefix()) });
  onSignals(() => session.stop());
  await serve(session, channel);
}

/** `-ii` and `-iii`. */
export async function serveSocket(place: Place, log: BranchingLog, once: boolean): Promise<void> {
  const daemon = new Daemon(
    {
      address: place.options.hostName,
      port: portOf(place),
      fd: listenDescriptor(),
      name: place.host,
      once,
      limits: defaultAdmission,
      onReady: () => writeFully(1, messages.daemonRunning + '\n'),
    },
    environmentOf(place, log),
    log,
  );
  onSignals((again) => (again ? daemon.stop() : daemon.drain()));
  // Asks daemons to read their configuration again: this one does so for every connection anyway.
  process.on('SIGHUP', () => undefined);
  await daemon.run();
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

function environmentOf(place: Place, log: BranchingLog): Omit<SessionEnvironment, 'log'> {
  const stores = new SharedStores();
  return {
    configure: async (name): Promise<Served> => {
      const { config, cluster } = readCluster(place, name, log, undefined);
      if (!cluster.isMember) throw new NotAMemberError(place.host);
      const { store, release } = await stores.open(name, () => openDatabase(place, name, config, log));
      const restrictTo = (groups: readonly string[]) => readCluster(place, name, log, groups).cluster;
      return { cluster, restrictTo, ignored: config.ignore, store, durable: !place.options.unsafe, release };
    },
    credentials: () => readCredentials(place),
    resolvesTo: (host, address) => resolvesTo(fromText(host), address),
    limits: defaultLimits,
  };
}
