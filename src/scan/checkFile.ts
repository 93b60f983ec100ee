import type { Encoded, FileName } from '../bytes/bytes.ts';
import { encode } from '../bytes/urlEncoding.ts';
import { encodedChecktxt } from '../entry/checktxt.ts';
import { sameButUnknownTarget } from '../entry/compare.ts';
import type { Ignored } from '../entry/entry.ts';
import { inspect, type Inspection } from '../filesystem/inspect.ts';
import type { Cluster } from '../groups/cluster.ts';
import type { Change, Store } from '../store/store.ts';
import { recordChange } from './marking.ts';
import { notInTransit } from './recover.ts';

export interface FileCheck {
  readonly name: Encoded;
  /** What stands on disk now. */
  readonly found: Inspection;
  /** What the database has to learn; empty when the row is what is on disk. */
  readonly changes: readonly Change[];
}

/** Compares one covered name with its row, without looking below it and without writing anything. */
export async function checkFile(cluster: Cluster, store: Store, ignored: Ignored, name: FileName): Promise<FileCheck> {
  const encoded = encode(name);
  const path = cluster.toDisk(name);
  const found: Inspection = path === undefined ? { state: 'impure' } : inspect(path);
  if (found.state === 'error') return { name: encoded, found, changes: [] };
  const row = (await store.fileRows([encoded])).get(encoded);
  const check = checkFound(cluster, ignored, name, found, row);
  return check.changes.length === 0 ? check : { ...check, changes: await notInTransit(store, check.changes) };
}

/** The same with what stands on disk and the row already at hand. */
export function checkFound(
  cluster: Cluster,
  ignored: Ignored,
  name: FileName,
  found: Inspection,
  row: Encoded | undefined,
): FileCheck {
  const encoded = encode(name);
  const now = found.state === 'present' ? encodedChecktxt(found.entry, ignored) : undefined;
  return { name: encoded, found, changes: compareWithRow(cluster, name, encoded, row, now) };
}

/** `now` undefined: nothing (that may be looked at) is on disk. */
function compareWithRow(
  cluster: Cluster,
  name: FileName,
  encoded: Encoded,
  row: Encoded | undefined,
  now: Encoded | undefined,
): Change[] {
  if (row === now) return [];
  if (row !== undefined && now !== undefined && sameButUnknownTarget(row, now)) {
    return [{ type: 'putFile', name: encoded, checktxt: now }];
  }
  return recordChange(cluster, name, encoded, row, now, false);
}
