import type { Encoded, FileName } from '../bytes/bytes.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import { type Change, exactly } from '../store/store.ts';
import { PeerUpdate, type UpdateContext } from './updatePeer.ts';

/**
 * Sends every peer what is dirty for it, several peers at once. `wanted` undefined: every peer of the configuration. A peer
 * that was overruled may have passed its version on before: the others are told once more.
 */
export async function updateAll(
  context: UpdateContext,
  wanted: readonly string[] | undefined,
  jobs: number,
): Promise<void> {
  const isWanted = (peer: string): boolean => context.cluster.peers.includes(peer) && (wanted?.includes(peer) ?? true);
  const done = await updatePeers(context, (await context.store.dirtyPeers()).map(decode).filter(isWanted), jobs);
  const marked = await markForOthers(context, done);
  if (marked.size > 0) await updatePeers(context, [...marked].filter(isWanted), jobs);
}

async function updatePeers(context: UpdateContext, peers: readonly string[], jobs: number): Promise<PeerUpdate[]> {
  const updates = peers.map((peer) => new PeerUpdate(context, peer));
  const work = updates.values();
  const worker = async (): Promise<void> => {
    for (const update of work) if (!context.stopping.aborted) await update.run();
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(jobs, peers.length) }, worker));
  // Peers report their own trouble; what arrives here (a database that fails) ends the run, once nobody uses it any more.
  const failure = ends.find((end) => end.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return updates;
}

/** The peers for which something was marked: what another peer was overruled about. */
async function markForOthers({ cluster, store }: UpdateContext, updates: readonly PeerUpdate[]): Promise<Set<string>> {
  const marked = new Set<string>();
  for (const { peer: overruled, overruledNames } of updates) {
    for (const name of overruledNames) {
      const others = cluster.peersFor(decode(name) as FileName).filter(({ peer }) => peer !== overruled);
      const known = others.length === 0 ? new Set<Encoded>() : await dirtyFor(store, name);
      const changes = others
        .filter(({ peer }) => !known.has(encode(peer)))
        .map(({ peer, myname }): Change => {
          marked.add(peer);
          return { type: 'markDirty', name, peer: encode(peer), myname: encode(myname), forced: false };
        });
      if (changes.length > 0) await store.apply(changes);
    }
  }
  return marked;
}

async function dirtyFor(store: UpdateContext['store'], name: Encoded): Promise<Set<Encoded>> {
  const peers = new Set<Encoded>();
  for await (const rows of store.dirty({ range: exactly(name) })) for (const { peer } of rows) peers.add(peer);
  return peers;
}
