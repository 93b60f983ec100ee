import type { Encoded } from '../bytes/bytes.ts';
import { encode } from '../bytes/urlEncoding.ts';
import { allNames, type NameRange, type Store } from '../store/store.ts';
import type { UpdateWatch } from '../sync/updatePeer.ts';
import type { Progress } from './progress.ts';

/**
 * Shows how an update goes. What waits is counted once for all peers, and once more for each time that a peer has to be gone
 * through again.
 */
export function watchPeers(progress: Progress, store: Store, ranges: readonly NameRange[] = [allNames]): UpdateWatch {
  const begun = new Set<string>();
  let first: Promise<ReadonlyMap<Encoded, number>> | undefined;
  return {
    begins: async (update) => {
      const { peer } = update;
      const waiting = begun.has(peer) ? countWaiting(store, ranges) : (first ??= countWaiting(store, ranges));
      begun.add(peer);
      progress.sends(peer, (await waiting).get(encode(peer)) ?? 0, () => update.unanswered);
    },
    settled: (peer) => progress.sent(peer),
    ends: (peer) => progress.ends(peer),
  };
}

async function countWaiting(store: Store, ranges: readonly NameRange[]): Promise<ReadonlyMap<Encoded, number>> {
  const sums = new Map<Encoded, number>();
  for (const range of ranges) {
    for (const [peer, count] of await store.dirtyCounts(range)) sums.set(peer, (sums.get(peer) ?? 0) + count);
  }
  return sums;
}
