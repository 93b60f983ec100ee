import type { Encoded, FileName } from '../bytes/bytes.ts';
import { encode } from '../bytes/urlEncoding.ts';
import { sameButUnknownTarget } from '../entry/compare.ts';
import type { Entry, Ignored } from '../entry/entry.ts';
import { isChangedSince, stampOf, youngAt } from '../entry/young.ts';
import { inspect, type Inspection } from '../filesystem/inspect.ts';
import type { Cluster } from '../groups/cluster.ts';
import type { Change, Store } from '../store/store.ts';
import { markDirty, recordChange } from './marking.ts';
import { notInTransit } from './inTransit.ts';
import { rowFor } from './rowFor.ts';
import { fileFound, isHiddenChange, noteYoung, type Recorded } from './young.ts';

export interface FileCheck {
  readonly name: Encoded;
  /** What stands on disk now. */
  readonly found: Inspection;
  /** What the database has to learn; empty when the row is what is on disk. */
  readonly changes: readonly Change[];
  /** Another session that is at work has put there what stands there, and has not recorded it yet. */
  readonly isUnrecorded?: boolean;
  /** The same of a session that is gone. */
  readonly isAbandoned?: boolean;
}

/**
 * Compares one covered name with its row, without looking below it and without writing anything. What is told is what was on
 * disk while the row was as it was: when a session puts something in place meanwhile, both are looked at again. `asker`: an
 * owner whose own unfinished work does not count.
 */
export async function checkFile(
  cluster: Cluster,
  store: Store,
  ignored: Ignored,
  name: FileName,
  { forced = false, asker }: { readonly forced?: boolean; readonly asker?: Encoded } = {},
): Promise<FileCheck> {
  const encoded = encode(name);
  const path = cluster.toDisk(name);
  const look = (): Inspection => (path === undefined ? { state: 'impure' } : inspect(path));
  let youth = youngAt(Date.now());
  for (let found = look(), looks = 1; ; looks++) {
    if (found.state === 'error') return { name: encoded, found, changes: [] };
    const row = (await store.fileRows([encoded])).get(encoded);
    const noted = (await store.young([encoded])).get(encoded);
    const check = checkFound(cluster, ignored, name, found, { row, noted }, forced);
    if (check.changes.length === 0) return check;
    const fileAt = (): Entry | undefined => fileFound(found);
    const { changes, unrecorded, abandoned } = await notInTransit(store, check.changes, { fileAt, asker });
    const before = youngAt(Date.now());
    const again = changes.length === 0 ? found : look();
    if (looks === mostLooks || isAs(found, again, ignored)) {
      const noted = found.state === 'present' && changes.length > 0 ? noteYoung(encoded, found.entry, youth) : [];
      return {
        ...check,
        changes: [...changes, ...noted],
        isUnrecorded: unrecorded.has(encoded),
        isAbandoned: abandoned.has(encoded),
      };
    }
    [found, youth] = [again, before];
  }
}

/** What changes faster than that is no session's doing. */
export const mostLooks = 10;

function isAs(a: Inspection, b: Inspection, ignored: Ignored): boolean {
  if (a.state !== b.state || rowFor(a, ignored) !== rowFor(b, ignored)) return false;
  return a.state !== 'present' || b.state !== 'present' || !isChangedSince(stampOf(a.entry), b.entry);
}

/** The same with what stands on disk and what is recorded already at hand. */
export function checkFound(
  cluster: Cluster,
  ignored: Ignored,
  name: FileName,
  found: Inspection,
  { row, noted }: Recorded,
  forced = false,
): FileCheck {
  const encoded = encode(name);
  const now = rowFor(found, ignored);
  if (row === now && found.state === 'present' && isHiddenChange(found, noted)) {
    const note: Change = { type: 'noteYoung', name: encoded, stamp: stampOf(found.entry) };
    return { name: encoded, found, changes: [note, ...markDirty(cluster, name, encoded, forced)] };
  }
  return { name: encoded, found, changes: compareWithRow(cluster, name, encoded, row, now, forced) };
}

/** `now` undefined: nothing (that may be looked at) is on disk. */
function compareWithRow(
  cluster: Cluster,
  name: FileName,
  encoded: Encoded,
  row: Encoded | undefined,
  now: Encoded | undefined,
  forced: boolean,
): Change[] {
  if (row === now) return [];
  if (row !== undefined && now !== undefined && sameButUnknownTarget(row, now)) {
    return [{ type: 'putFile', name: encoded, checktxt: now }];
  }
  return recordChange(cluster, name, encoded, row, now, forced);
}
