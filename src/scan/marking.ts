import type { Encoded, FileName } from '../bytes/bytes.ts';
import { encode } from '../bytes/urlEncoding.ts';
import { isSocket } from '../entry/compare.ts';
import type { Cluster } from '../groups/cluster.ts';
import type { Change } from '../store/store.ts';

/** Dirty rows for everybody who is to hear of a change of `name`, and the actions that a local change calls for. */
export function markDirty(cluster: Cluster, name: FileName, encoded: Encoded, forced: boolean): Change[] {
  const changes: Change[] = [];
  for (const { peer, myname } of cluster.peersFor(name)) {
    changes.push({ type: 'markDirty', name: encoded, peer: encode(peer), myname: encode(myname), forced });
  }
  for (const { command, logfile } of cluster.actionsFor(name, 'local')) {
    changes.push({ type: 'queueAction', name: encoded, command: encode(command), logfile: encode(logfile) });
  }
  return changes;
}

/**
 * Dirty rows because `peer` tried to change something that it must first hear of from us: for everybody in the groups that
 * it shares the file in, as the C program does.
 */
export function markDirtyBecauseOf(cluster: Cluster, peer: string, name: FileName, encoded: Encoded): Change[] {
  return cluster.peersFor(name, peer).map((addressee) => ({
    type: 'markDirty',
    name: encoded,
    peer: encode(addressee.peer),
    myname: encode(addressee.myname),
    forced: false,
  }));
}

/**
 * A row is brought up to date with the disk and the change is marked for the peers. Sockets are recorded only: no peer
 * could make use of one, and a socket that is gone here is none of the peers' business.
 */
export function recordChange(
  cluster: Cluster,
  name: FileName,
  encoded: Encoded,
  row: Encoded | undefined,
  now: Encoded | undefined,
  forced: boolean,
): Change[] {
  const marks = isSocket(now ?? row ?? '') ? [] : markDirty(cluster, name, encoded, forced);
  const update: Change =
    now === undefined ? { type: 'dropFile', name: encoded } : { type: 'putFile', name: encoded, checktxt: now };
  return [update, ...marks];
}
