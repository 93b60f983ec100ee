import { pidPrefix } from '../log/levelLog.ts';
import type { BranchingLog } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import type { SessionEnvironment } from '../session/served.ts';
import { Session } from '../session/session.ts';
import type { Channel } from '../transport/channel.ts';
import { listenTcp, type Listener } from '../transport/listenTcp.ts';
import { admit, type AdmissionLimits } from './admission.ts';

export interface DaemonOptions {
  /** Name or address to listen on; undefined: all. */
  readonly address: string | undefined;
  readonly port: number;
  /** A listening socket handed over by systemd. */
  readonly fd: number | undefined;
  readonly name: string;
  /** `-iii`: one connection, then the end. */
  readonly once: boolean;
  /** As they are when a connection comes in. */
  readonly limits: () => AdmissionLimits;
  /** Called when connections are accepted. */
  readonly onReady: () => void;
}

/** What a session needs but for its log, with the limits of the moment. */
export interface Surroundings extends Omit<SessionEnvironment, 'log' | 'limits'> {
  readonly limits: () => SessionEnvironment['limits'];
}

/** Seconds that sessions under way may take to their end once nobody is let in any more. */
const drainTime = 60;

/** Accepts connections and serves each independently of the others, until it is told to stop. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #environment: Surroundings;
  readonly #log: BranchingLog;
  readonly #sessions = new Map<Session, Promise<void>>();
  #hasFailed = false;
  /** Those of them that have not been sent away, oldest first. */
  readonly #welcome = new Set<Session>();
  #listener: Listener | undefined;
  #ended: (() => void) | undefined;
  #patience: NodeJS.Timeout | undefined;

  constructor(options: DaemonOptions, environment: Surroundings, log: BranchingLog) {
    this.#options = options;
    this.#environment = environment;
    this.#log = log;
  }

  /** Resolves when the daemon was stopped and the last session has ended. */
  async run(): Promise<void> {
    const { address, port, fd, name, onReady } = this.#options;
    const end = new Promise<void>((resolve) => (this.#ended = resolve));
    this.#listener = await listenTcp({
      address,
      port,
      fd,
      onChannel: (channel) => this.#accept(channel),
      onError: (error) => this.#log.error(error.message),
    });
    this.#log.write(1, messages.listeningOn(this.#listener.address, this.#listener.port, name));
    onReady();
    await end;
    await Promise.all(this.#sessions.values());
    clearTimeout(this.#patience);
  }

  /** Accepts nothing more; sessions under way go on to their end, for a minute at most. */
  drain(): void {
    this.#close();
    this.#patience ??= setTimeout(() => this.stop(), drainTime * 1000).unref();
  }

  /** Ends the sessions too. */
  stop(): void {
    this.#close();
    for (const session of this.#sessions.keys()) session.stop();
  }

  #close(): void {
    this.#listener?.close();
    this.#ended?.();
  }

  /** A session ended for something that is wrong here. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  #accept(channel: Channel): void {
    if (this.#options.once) this.#close();
    // Commands that hang keep nobody out.
    for (const session of this.#welcome) if (session.hasLeft) this.#welcome.delete(session);
    const { admitted, dropped } = admit([...this.#welcome], channel.remoteAddress, this.#options.limits());
    if (dropped !== undefined) {
      this.#welcome.delete(dropped);
      dropped.stop();
    }
    if (!admitted) {
      this.#log.error(messages.tooManySessions(channel.remoteAddress ?? 'unknown'));
      channel.destroy();
      return;
    }
    const session = createSession(channel, this.#environment, this.#log);
    this.#welcome.add(session);
    const served = serve(session, channel).finally(() => {
      this.#hasFailed ||= session.hasFailed;
      this.#welcome.delete(session);
      this.#sessions.delete(session);
    });
    this.#sessions.set(session, served);
  }
}

export function createSession(channel: Channel, surroundings: Surroundings, log: BranchingLog): Session {
  return new Session(channel, { ...surroundings, limits: surroundings.limits(), log: log.child(pidPrefix()) });
}

/** One session from the first log line to the last. */
export async function serve(session: Session, channel: Channel): Promise<void> {
  const { log } = session;
  log.write(1, messages.newConnection(channel.remoteAddress ?? 'unknown', channel.remotePort ?? 0));
  await session.run();
  log.write(1, messages.connectionClosed);
  log.write(log.errors > 0 ? 0 : 1, messages.finished(log.errors));
}
