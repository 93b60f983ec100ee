import type { Encoded } from '../bytes/bytes.ts';
import type { Entry } from '../entry/entry.ts';
import { isChangedSince } from '../entry/young.ts';
import type { Change, Store } from '../store/store.ts';
import { expectedIn, isAsExpected, isGone } from './journal.ts';

/** Names of which others have written down what they will be. */
export interface Begun {
  /** All of them. */
  readonly begun: ReadonlySet<Encoded>;
  /** Those of what a session that is at work has put in place and not recorded yet. */
  readonly unrecorded: ReadonlySet<Encoded>;
  /** The same of a session that is gone. */
  readonly abandoned: ReadonlySet<Encoded>;
}

/** Changes that are still true, and the rows that the names of all of them have now. */
export interface StillTrue extends Begun {
  readonly changes: readonly Change[];
  readonly rows: ReadonlyMap<Encoded, Encoded>;
}

export interface Asking {
  /** The regular file that has a name, as it was found; undefined: none is there. Asked only when it matters. */
  readonly fileAt: (name: Encoded) => Entry | undefined;
  /** An owner whose own unfinished work does not count. */
  readonly asker?: Encoded | undefined;
}

/**
 * Of these changes those that are still true: what a session is just putting in place, here or in another process, is not a
 * change that was made here. Sessions write down what they are about to do before they do it and record it in one step with
 * the end of that, so asking in this order misses nothing. A change made here can have the very row that a session is putting
 * there: its stamp tells them apart.
 * A file whose row stays, and that only its stamp tells from what was recorded, has a `noteYoung` among its changes.
 */
export async function notInTransit(
  store: Store,
  changes: readonly Change[],
  { fileAt, asker }: Asking,
): Promise<StillTrue> {
  const files = new Map<Encoded, Entry | undefined>();
  const work = { begun: new Set<Encoded>(), unrecorded: new Set<Encoded>(), abandoned: new Set<Encoded>() };
  for (let left = changes; ;) {
    const fresh = new Set<Encoded>();
    const look = (name: Encoded): Entry | undefined => {
      if (!files.has(name)) {
        files.set(name, fileAt(name));
        fresh.add(name);
      }
      return files.get(name);
    };
    const asked = await ask(store, left, { fileAt: look, asker }, work);
    // What was looked at after the store was asked may be of a session that has begun since.
    const isSure = !asked.changes.some((change) => 'name' in change && fresh.has(change.name));
    if (isSure) return { ...asked, ...work };
    left = asked.changes;
  }
}

/** Of these names those of which another session that is at work has written down what they will be. */
export async function begunByOthers(
  store: Store,
  names: ReadonlySet<Encoded>,
  asker: Encoded,
): Promise<ReadonlySet<Encoded>> {
  const begun = new Set<Encoded>();
  for (const row of await store.unfinished('file')) {
    if (row.owner === asker) continue;
    const shared = expectedIn(row).filter(({ name }) => names.has(name));
    if (shared.length > 0 && !isGone(row.owner)) for (const { name } of shared) begun.add(name);
  }
  return begun;
}

/** What is found of others' work is added to `work`. */
async function ask(
  store: Store,
  changes: readonly Change[],
  { fileAt, asker }: Asking,
  work: Record<keyof Begun, Set<Encoded>>,
): Promise<Pick<StillTrue, 'changes' | 'rows'>> {
  const recorded = new Map<Encoded, Encoded | undefined>();
  const noted = new Map<Encoded, string | undefined>();
  for (const change of changes) {
    if (change.type === 'putFile') recorded.set(change.name, change.checktxt);
    if (change.type === 'dropFile') recorded.set(change.name, undefined);
    if (change.type === 'noteYoung') noted.set(change.name, change.stamp);
    if (change.type === 'dropYoung') noted.set(change.name, undefined);
  }
  for (const name of recorded.keys()) noted.delete(name);
  if (recorded.size + noted.size === 0) return { changes, rows: new Map() };
  const unfinished = await store.unfinished('file');
  const rows = await store.fileRows([...recorded.keys(), ...noted.keys()]);
  const known = [...recorded.keys()].filter((name) => rows.get(name) === recorded.get(name));
  const asked = [...known, ...noted.keys()];
  const stamps = asked.length === 0 ? undefined : await store.young(asked);
  const settled = new Set<Encoded>();
  for (const name of known) {
    const stamp = stamps?.get(name);
    const file = stamp === undefined ? undefined : fileAt(name);
    if (stamp === undefined || file === undefined || !isChangedSince(stamp, file)) settled.add(name);
  }
  for (const [name, stamp] of noted) if (stamps?.get(name) === stamp) settled.add(name);
  const asRecorded = new Set(settled);
  for (const row of unfinished) {
    if (row.owner === asker) continue;
    let isAtWork: boolean | undefined;
    for (const expected of expectedIn(row)) {
      const { name } = expected;
      const isRecorded = recorded.has(name);
      if (!isRecorded && !noted.has(name)) continue;
      work.begun.add(name);
      if (asRecorded.has(name)) continue;
      const now = isRecorded ? recorded.get(name) : rows.get(name);
      if (now !== expected.checktxt) continue;
      // A stamp that is only to be forgotten says nothing about what is there.
      const file = isRecorded || noted.get(name) !== undefined ? fileAt(name) : undefined;
      if (!isAsExpected(expected, now, file)) continue;
      settled.add(name);
      isAtWork ??= !isGone(row.owner);
      (isAtWork ? work.unrecorded : work.abandoned).add(name);
    }
  }
  if (settled.size === 0) return { changes, rows };
  const left = changes.filter((change) => !('name' in change) || !settled.has(change.name));
  return { changes: left, rows };
}
