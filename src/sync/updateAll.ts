import { decode } from '../bytes/urlEncoding.ts';
import { PeerUpdate, type UpdateContext } from './updatePeer.ts';

/** Sends every peer what is dirty for it, several peers at once. `wanted` undefined: every peer of the configuration. */
export async function updateAll(
  context: UpdateContext,
  wanted: readonly string[] | undefined,
  jobs: number,
): Promise<void> {
  const dirty = (await context.store.dirtyPeers()).map(decode);
  const peers = dirty.filter((peer) => context.cluster.peers.includes(peer) && (wanted?.includes(peer) ?? true));
  const work = peers.values();
  const worker = async (): Promise<void> => {
    for (const peer of work) await new PeerUpdate(context, peer).run();
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(jobs, peers.length) }, worker));
  // Peers report their own trouble; what arrives here (a database that fails) ends the run, once nobody uses it any more.
  const failure = ends.find((end) => end.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
