import type { Encoded } from '../bytes/bytes.ts';
import type { DirtyRow, MarkBatch, Store } from './store.ts';

/**
 * When dirty rows were marked. The C program's table has no column for that, and a row of our own for every mark would make
 * marking slower by a quarter; so each batch of marks leaves one row with all its names.
 */

/** Between the names of a batch; the URL encoding leaves none in a name. */
const separator = ':';
/** Characters of names in one row: what every database server takes in one statement. */
const rowSize = 250_000;

/** A batch as a row: `names` is a list for `parseNames`. */
export interface MarkRow {
  readonly peer: Encoded;
  readonly names: string;
}

/** What to note when these rows become dirty. */
export function markRows(rows: readonly Pick<DirtyRow, 'name' | 'peer'>[]): MarkRow[] {
  const peers = new Map<Encoded, Encoded[]>();
  for (const { name, peer } of rows) {
    const names = peers.get(peer);
    if (names === undefined) peers.set(peer, [name]);
    else names.push(name);
  }
  return [...peers].flatMap(([peer, names]) => formatNames(names).map((list) => ({ peer, names: list })));
}

/** As many lists as their size makes necessary. */
export function formatNames(names: readonly Encoded[]): string[] {
  const lists: string[] = [];
  let first = 0;
  let length = 0;
  names.forEach((name, at) => {
    if (length > 0 && length + name.length > rowSize) {
      lists.push(names.slice(first, at).join(separator));
      [first, length] = [at, 0];
    }
    length += name.length + 1;
  });
  if (length > 0) lists.push(names.slice(first).join(separator));
  return lists;
}

export function parseNames(list: string): Encoded[] {
  return list.split(separator) as Encoded[];
}

/** Seconds since the epoch. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** Since when a row is dirty: the last time that it was marked. Undefined when another program did that. */
export function markTimes(batches: readonly MarkBatch[]): (row: Pick<DirtyRow, 'name' | 'peer'>) => number | undefined {
  const peers = new Map<Encoded, Map<Encoded, number>>();
  for (const { peer, at, names } of batches) {
    const times = peers.get(peer) ?? new Map<Encoded, number>();
    peers.set(peer, times);
    for (const name of names) if (!times.has(name)) times.set(name, at);
  }
  return ({ name, peer }) => peers.get(peer)?.get(name);
}

/** More batches than this are looked through for marks that are gone. */
const manyBatches = 200;
const namesAtOnce = 4000;

/** Forgets the times of marks that are gone: all where a peer has got everything, the others when many have come together. */
export async function tidyMarks(store: Store): Promise<void> {
  // First: what goes here need not be read, and after a large run that is everything.
  await store.apply([{ type: 'tidyMarks' }]);
  const batches = await store.marks();
  if (batches.length <= manyBatches) return;
  // Somebody may be adding to what is marked right now.
  const before = now();
  const older = batches.filter(({ at }) => at < before);
  const names = [...new Set(older.flatMap((batch) => batch.names))];
  const dirty = new Set<Encoded>();
  for (let at = 0; at < names.length; at += namesAtOnce) {
    for (const name of await store.dirtyAmong(names.slice(at, at + namesAtOnce))) dirty.add(name);
  }
  await store.apply([{ type: 'replaceMarks', before, batches: latestMarks(older, dirty) }]);
}

/** The same batches with every name of `dirty` once for each peer, where it was marked last. */
export function latestMarks(batches: readonly MarkBatch[], dirty: ReadonlySet<Encoded>): MarkBatch[] {
  const seen = new Set<string>();
  const latest = batches.map(({ peer, at, names }) => {
    const kept = names.filter((name) => {
      const key = `${peer}\t${name}`;
      if (seen.has(key) || !dirty.has(name)) return false;
      seen.add(key);
      return true;
    });
    return { peer, at, names: kept };
  });
  return latest.filter(({ names }) => names.length > 0);
}
