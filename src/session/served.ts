import type { Ignored } from '../entry/entry.ts';
import type { Cluster } from '../groups/cluster.ts';
import type { Log } from '../log/log.ts';
import { requestLineLimit } from '../protocol/inbox.ts';
import { defaultRequestLimits, type RequestLimits } from '../protocol/parseCommand.ts';
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
  /** Seconds without a byte before the peer is dropped. 0: it may take its time. */
  readonly idle: number;
  /** Bytes that a file from the peer may have; undefined: as many as there is room for. */
  readonly largestFile: number | undefined;
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
  /** Seconds without a byte before a peer is dropped, until a configuration says otherwise. 0: never. */
  readonly idle: number;
  /** Seconds that we wait for a peer, all in all, until its HELLO is accepted. */
  readonly login: number;
  /** Bytes of a request line, its newline included. */
  readonly line: number;
  readonly request: RequestLimits;
}

export const defaultLimits: SessionLimits = {
  idle: 600,
  login: 10,
  line: requestLineLimit,
  request: defaultRequestLimits,
};
