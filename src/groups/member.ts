import type { FileName } from '../bytes/bytes.ts';
import type { ActionConfig, GroupConfig } from '../config/config.ts';
import { fnmatch } from '../patterns/fnmatch.ts';
import { PatternSet } from '../patterns/patternSet.ts';
import type { Group, Peer, QueuedCommand } from './cluster.ts';
import { groupKey, type ReadKey } from './keys.ts';

/** A group that this host is a member of, with what only this room needs. */
export interface Member extends Group {
  readonly patterns: PatternSet;
  actions(name: FileName, origin: 'local' | 'remote'): QueuedCommand[];
}

export function isMember(group: GroupConfig, host: string): boolean {
  return group.hosts.some(({ name }) => name === host);
}

/** `host` must be a member. Fails with KeyError. */
export function member(config: GroupConfig, host: string, systemDirectory: string, readKey: ReadKey): Member {
  const patterns = PatternSet.compile(config.patterns);
  const own = config.hosts.filter(({ name }) => name === host);
  // Mentioned several times, the last mention gives the name; sides are seen from the first (see peersOf).
  const { address: myname, slave } = own[own.length - 1] as GroupConfig['hosts'][number];
  const peers = peersOf(config, host);
  const { backup } = config;
  return {
    name: config.name,
    key: groupKey(config, systemDirectory, readKey),
    myname,
    slave,
    peers: [...peers.values()],
    auto: config.auto,
    backup: backup !== undefined && backup.generations > 1 ? backup : undefined,
    patterns,
    covers: (name, compareMode) => patterns.covers(name, compareMode),
    peer: (name) => peers.get(name),
    actions: (name, origin) => config.actions.flatMap((action) => commandsOf(action, name, origin)),
  };
}

/** A peer that is mentioned several times is where it was last mentioned, and a slave only if it always is. */
function peersOf({ hosts }: GroupConfig, host: string): Map<string, Peer> {
  const peers = new Map<string, Peer>();
  let side: Peer['side'] = 'left';
  for (const { name, address, slave } of hosts) {
    if (name === host) side = 'right';
    else peers.set(address, { name: address, slave: slave && peers.get(address)?.slave !== false, side });
  }
  return peers;
}

const noLogfile = '/dev/null';

function commandsOf(action: ActionConfig, name: FileName, origin: 'local' | 'remote'): QueuedCommand[] {
  if (action.where === (origin === 'local' ? 'remote' : 'local')) return [];
  if (action.patterns.length > 0 && !action.patterns.some((pattern) => isActionFor(pattern, name))) return [];
  return action.commands.map((command) => ({ command, logfile: action.logfile ?? noLogfile }));
}

/** Every pattern of an action is a path pattern, and slashes at its end stay. */
function isActionFor(pattern: string, name: FileName): boolean {
  return fnmatch(pattern, name, { pathname: !pattern.includes('**'), leadingDir: true });
}
