import type { Ignored } from '../entry/entry.ts';
import type { Cluster } from '../groups/cluster.ts';
import type { Log } from '../log/log.ts';
import type { Store } from '../store/store.ts';
import type { TlsCredentials } from '../transport/channel.ts';

/** One configuration with its database, open for one session. */
export interface Served {
  readonly cluster: Cluster;
  /** The same configuration, restricted to these groups. */
  restrictTo(groups: readonly string[]): Cluster;
  readonly ignored: Ignored;
  readonly store: Store;
  /** What was received has to survive a power cut once the session has come to a good end. */
  readonly durable: boolean;
  /** The session is over: gives back what it used. */
  release(): Promise<void>;
}

/** What a session needs of the program around it. */
export interface SessionEnvironment {
  /** Reads the configuration of this name ('' is the default one) and opens its database. Fails with a message for the log. */
  readonly configure: (name: string) => Promise<Served>;
  readonly credentials: () => Promise<TlsCredentials>;
  /** Does `host` resolve to this address? */
  readonly resolvesTo: (host: string, address: string) => Promise<boolean>;
  readonly log: Log;
  readonly limits: SessionLimits;
}

export interface SessionLimits {
  /** Seconds without a byte before an identified peer is dropped. */
  readonly idle: number;
  /** Seconds that a connection may take until its HELLO is accepted. */
  readonly unidentified: number;
}

export const defaultLimits: SessionLimits = { idle: 600, unidentified: 30 };
