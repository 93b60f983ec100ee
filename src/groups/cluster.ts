import type { DiskPath, FileName } from '../bytes/bytes.ts';
import type { AutoMethod } from '../config/config.ts';
import type { Pattern } from '../patterns/rules.ts';

export type { AutoMethod };

/**
 * What one host shares with whom, as the configuration says: only the groups that this host is a member of, with their
 * keys read and checked. Immutable; every answer is a pure function of its arguments.
 *
 * Names are decoded (`/etc/hosts`, `%prefix%/x`), host names are lower-cased byte strings and never URL-encoded.
 */
export interface Cluster {
  /** Own name, lower-cased: what `-N` or the kernel said, not the `myname` of a group. */
  readonly host: string;
  /**
   * In the order in which they are asked: the last one of the configuration first, as in the C program. So where several
   * groups cover a name ("the first covering group"), the one that stands last in the file decides.
   * With a group filter only the groups it names. Empty when `isMember` is false.
   */
  readonly groups: readonly Group[];
  /** False when no group (that the filter lets through) has this host: see `NotAMemberError`. */
  readonly isMember: boolean;
  /** Names of all peers of all groups, each once, in order of first mention. */
  readonly peers: readonly string[];
  /** Prefixes that have a location on this host, in the order of the configuration. */
  readonly prefixes: readonly Prefix[];

  /**
   * Where a name is on this disk. Undefined for a name that is not clean (`isCleanName`).
   * Fails with PrefixError when this host has no location for the prefix.
   */
  toDisk(name: FileName): DiskPath | undefined;
  /** All names of a path: the path itself first, then its `%prefix%` forms. */
  toNames(path: DiskPath): FileName[];
  /** The `%prefix%` names of all prefix locations strictly below a directory: a recursive check of it goes there too. */
  prefixesBelow(path: DiskPath): FileName[];

  /** The groups that cover a name, in order. In compare mode only groups with a peer that the peer filter lets through. */
  covering(name: FileName, compareMode?: boolean): readonly Group[];
  /** What a recursive walk asks: does any group cover this, and may anything below be covered? */
  coverage(compareMode?: boolean): Coverage;

  /** The patterns that `coverage` of not comparing is made of, a list for each group: see `coverageFrom`. */
  readonly patterns: readonly (readonly Pattern[])[];

  /** May this peer, with this key, touch this name? `slave`: it could, were it not a slave in every group that matches. */
  permission(peer: string, key: string, name: FileName, compareMode?: boolean): Permission;
  /**
   * Who is to hear of a change, each peer once, with the name that we have towards it.
   * For a change received `from` a peer only groups that have that peer count (it is itself among the answers).
   */
  peersFor(name: FileName, from?: string): readonly Addressee[];
  /** The first covering group that has this peer: its key goes with our commands. Undefined: the name is not for this peer. */
  groupFor(peer: string, name: FileName): Group | undefined;
  /** What is shared with `peer`, which knows us as `myname`, under one of these keys (LIST). Slave or not does not matter. */
  sharedWith(peer: string, keys: readonly string[], myname?: string): Coverage;
  /** The pairs that have something to compare: each (myname, peer) once, with the keys of all groups that have the pair. */
  readonly pairs: readonly Pair[];

  /** What decides a conflict with this peer about this name. */
  conflictRule(peer: string, name: FileName): ConflictRule;
  /** Commands to queue for a change that was made here (`local`) or came from a peer (`remote`). */
  actionsFor(name: FileName, origin: 'local' | 'remote'): readonly QueuedCommand[];
  /** Every place that wants a backup of this name before it is overwritten. */
  backupsFor(name: FileName): readonly Backup[];

  /** Does a connection from `from` to `to` go without TLS (`nossl`)? */
  usesPlain(from: string, to: string): boolean;
}

export interface Group {
  readonly name: string;
  readonly key: string;
  /** Our name towards the peers of this group. */
  readonly myname: string;
  /** We are a slave here. */
  readonly slave: boolean;
  readonly peers: readonly Peer[];
  readonly auto: AutoMethod;
  readonly backup: Backup | undefined;
  covers(name: FileName, compareMode?: boolean): boolean;
  peer(name: string): Peer | undefined;
}

export interface Peer {
  /** What we connect to and what it identifies itself as: the part after `@` if there is one. */
  readonly name: string;
  readonly slave: boolean;
  /** Mentioned before this host (left) or after it (right). */
  readonly side: 'left' | 'right';
}

export interface Backup {
  readonly directory: string;
  /** At least 2: the file itself and its predecessors. */
  readonly generations: number;
}

export interface Prefix {
  readonly name: string;
  /** Normalised: absolute, no trailing slash unless it is the root. */
  readonly path: DiskPath;
}

export type Permission = 'granted' | 'slave' | 'denied';

export interface Addressee {
  readonly peer: string;
  readonly myname: string;
}

export interface Pair {
  readonly myname: string;
  readonly peer: string;
  readonly keys: readonly string[];
}

export interface ConflictRule {
  /** The peer is a slave in a covering group where we are not: we win before any method is asked. */
  readonly peerIsOurSlave: boolean;
  /** Of the first covering group that has the peer; `none` when there is none. */
  readonly auto: AutoMethod;
  /** On which side of us the peer is in that group. */
  readonly peerSide: Peer['side'] | undefined;
}

export interface QueuedCommand {
  readonly command: string;
  readonly logfile: string;
}

/** Directory by directory: everything that can be decided for a whole directory is decided on entering it. */
export interface Coverage {
  /** The matcher for what is directly in directory `dir` (`/` for the root; `%prefix%` for a prefix location). */
  enter(dir: FileName): DirectoryCoverage;
  covers(name: FileName): boolean;
  /** Recursion goes into this directory: it is covered or something below it can be. */
  mayContain(dir: FileName): boolean;
}

/** `base` is the last component of a name in this directory. */
export interface DirectoryCoverage {
  /** Known to cover everything in here and below. */
  readonly isWhole: boolean;
  covers(base: string): boolean;
  mayContain(base: string): boolean;
  enter(base: string): DirectoryCoverage;
}

/** This host has no location for a prefix that is needed. */
export class PrefixError extends Error {
  readonly code = 'PREFIX';
  readonly prefix: string;
  constructor(prefix: string, host: string) {
    super(`Prefix '${prefix}' is not defined for host '${host}'.`);
    this.name = 'PrefixError';
    this.prefix = prefix;
  }
}

/** A key file that cannot be read or holds no usable key. `message` begins with FILE:LINE:COLUMN of its `key` statement. */
export class KeyError extends Error {
  readonly code = 'KEY';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KeyError';
  }
}

/** This host is in no group; the modes that need one throw it. */
export class NotAMemberError extends Error {
  readonly code = 'NOT_A_MEMBER';
  constructor(host: string) {
    super(`This host (${host}) is not a member of any configured group.`);
    this.name = 'NotAMemberError';
  }
}
