import { readFileSync } from 'node:fs';
import { fsPath, type DiskPath, type FileName } from '../bytes/bytes.ts';
import type { Config } from '../config/config.ts';
import { compileHostPattern, type HostMatcher } from '../patterns/hostPattern.ts';
import type {
  Addressee,
  Backup,
  Cluster,
  ConflictRule,
  Coverage,
  Group,
  Pair,
  Permission,
  Prefix,
  QueuedCommand,
} from './cluster.ts';
import { coverageOf } from './coverage.ts';
import { isSameKey, type ReadKey } from './keys.ts';
import { isMember, member, type Member } from './member.ts';
import { isCleanName, Prefixes } from './names.ts';

export interface ClusterOptions {
  readonly config: Config;
  /** Own name, in any case. */
  readonly host: string;
  /** Byte string; key files are relative to it. */
  readonly systemDirectory: string;
  /** `-G`: only these groups; names of no group mean nothing. */
  readonly groups?: readonly string[] | undefined;
  /** `-P`: in compare mode, only groups that have one of these peers. */
  readonly peers?: readonly string[] | undefined;
  readonly readKey?: ReadKey;
}

/**
 * The cluster as this host sees it. Fails with KeyError when the key of one of its groups cannot be used; the keys of other
 * groups are not looked at. That this host is in no group is left to the caller (`isMember`, NotAMemberError).
 */
export function buildCluster(options: ClusterOptions): Cluster {
  return new ConfiguredCluster(options);
}

class ConfiguredCluster implements Cluster {
  readonly host: string;
  readonly groups: readonly Member[];
  readonly peers: readonly string[];
  readonly prefixes: readonly Prefix[];
  readonly pairs: readonly Pair[];
  private readonly names: Prefixes;
  private readonly plain: readonly (readonly [HostMatcher, HostMatcher])[];
  /** The groups that count in compare mode. */
  private readonly compared: ReadonlySet<Member>;
  private readonly coverages: { readonly normal: Coverage; readonly comparing: Coverage };
  private readonly together = new Map<readonly Member[], Map<Member, readonly Member[]>>();
  /** What was asked last: about a file that is being worked on there are several questions. */
  private last: { readonly name: string; readonly groups: readonly Member[] } = { name: '', groups: [] };
  private readonly addressees = new WeakMap<readonly Member[], readonly Addressee[]>();

  constructor({ config, host, systemDirectory, groups, peers, readKey = readFile }: ClusterOptions) {
    this.host = host.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    this.groups = config.groups
      .filter((group) => isMember(group, this.host) && (groups === undefined || groups.includes(group.name)))
      .map((group) => member(group, this.host, systemDirectory, readKey))
      .reverse();
    this.peers = distinctPeers(this.groups);
    this.pairs = pairsOf(this.groups);
    this.names = new Prefixes(config.prefixes, this.host);
    this.prefixes = this.names.all;
    this.plain = config.plain.map(({ from, to }) => [compileHostPattern(from), compileHostPattern(to)]);
    this.compared = new Set(
      this.groups.filter((group) => peers === undefined || peers.some((peer) => group.peer(peer) !== undefined)),
    );
    this.coverages = {
      normal: coverageOf(
        this.groups.map(({ patterns }) => patterns),
        false,
      ),
      comparing: coverageOf(
        [...this.compared].map(({ patterns }) => patterns),
        true,
      ),
    };
  }

  get isMember(): boolean {
    return this.groups.length > 0;
  }

  toDisk(name: FileName): DiskPath | undefined {
    return this.names.toDisk(name);
  }

  toNames(path: DiskPath): FileName[] {
    return this.names.toNames(path);
  }

  prefixesBelow(path: DiskPath): FileName[] {
    return this.names.below(path);
  }

  covering(name: FileName, compareMode = false): readonly Member[] {
    if (compareMode) return this.findCovering(name, true);
    if (name !== this.last.name) this.last = { name, groups: this.findCovering(name, false) };
    return this.last.groups;
  }

  private findCovering(name: FileName, compareMode: boolean): readonly Member[] {
    let found: readonly Member[] = none;
    for (const group of this.groups) {
      if (compareMode && !this.compared.has(group)) continue;
      if (group.patterns.covers(name, compareMode)) found = this.with(found, group);
    }
    return found;
  }

  /** One more group: the same groups in the same order are always the same array. */
  private with(groups: readonly Member[], group: Member): readonly Member[] {
    const longer = this.together.get(groups) ?? new Map<Member, readonly Member[]>();
    const result = longer.get(group) ?? [...groups, group];
    this.together.set(groups, longer.set(group, result));
    return result;
  }

  coverage(compareMode = false): Coverage {
    return compareMode ? this.coverages.comparing : this.coverages.normal;
  }

  get patterns(): Cluster['patterns'] {
    return this.groups.map(({ patterns }) => patterns.source);
  }

  permission(peer: string, key: string, name: FileName, compareMode = false): Permission {
    if (!isCleanName(name)) return 'denied';
    const roles = this.covering(name, compareMode).flatMap((group) => {
      const role = group.peer(peer);
      return role !== undefined && isSameKey(group.key, key) ? [role] : [];
    });
    if (roles.some(({ slave }) => !slave)) return 'granted';
    return roles.length > 0 ? 'slave' : 'denied';
  }

  peersFor(name: FileName, from?: string): readonly Addressee[] {
    const groups = this.covering(name);
    if (from !== undefined) return addresseesOf(groups.filter((group) => group.peer(from) !== undefined));
    let addressees = this.addressees.get(groups);
    if (addressees === undefined) this.addressees.set(groups, (addressees = addresseesOf(groups)));
    return addressees;
  }

  groupFor(peer: string, name: FileName): Group | undefined {
    return this.covering(name).find((group) => group.peer(peer) !== undefined);
  }

  sharedWith(peer: string, keys: readonly string[], myname?: string): Coverage {
    const groups = this.groups.filter((group) => {
      if (group.peer(peer) === undefined || (myname !== undefined && group.myname !== myname)) return false;
      return keys.some((key) => isSameKey(group.key, key));
    });
    return coverageOf(
      groups.map(({ patterns }) => patterns),
      false,
    );
  }

  conflictRule(peer: string, name: FileName): ConflictRule {
    const groups = this.covering(name).filter((group) => group.peer(peer) !== undefined);
    return {
      peerIsOurSlave: groups.some((group) => !group.slave && group.peer(peer)?.slave === true),
      auto: groups[0]?.auto ?? 'none',
      peerSide: groups[0]?.peer(peer)?.side,
    };
  }

  actionsFor(name: FileName, origin: 'local' | 'remote'): readonly QueuedCommand[] {
    return this.covering(name).flatMap((group) => group.actions(name, origin));
  }

  backupsFor(name: FileName): readonly Backup[] {
    return this.covering(name).flatMap(({ backup }) => (backup === undefined ? [] : [backup]));
  }

  usesPlain(from: string, to: string): boolean {
    return this.plain.some(([matchesFrom, matchesTo]) => matchesFrom(from) && matchesTo(to));
  }
}

const none: readonly Member[] = [];

function readFile(path: string): Uint8Array {
  return readFileSync(fsPath(path));
}

function distinctPeers(groups: readonly Group[]): string[] {
  return [...new Set(groups.flatMap(({ peers }) => peers.map(({ name }) => name)))];
}

/** A peer that several groups have is addressed under our name in the first. */
function addresseesOf(groups: readonly Group[]): Addressee[] {
  const mynames = new Map<string, string>();
  for (const { peers, myname } of groups) {
    for (const { name } of peers) if (!mynames.has(name)) mynames.set(name, myname);
  }
  return [...mynames].map(([peer, myname]) => ({ peer, myname }));
}

function pairsOf(groups: readonly Group[]): Pair[] {
  const pairs = new Map<string, { myname: string; peer: string; keys: string[] }>();
  for (const { peers, myname, key } of groups) {
    for (const { name: peer } of peers) {
      const pair = pairs.get(`${myname}\0${peer}`) ?? { myname, peer, keys: [] };
      if (!pair.keys.includes(key)) pair.keys.push(key);
      pairs.set(`${myname}\0${peer}`, pair);
    }
  }
  return [...pairs.values()];
}
