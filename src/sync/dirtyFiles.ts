import type { DiskPath, Encoded, FileName } from '../bytes/bytes.ts';
import { boundHeap } from '../bytes/heap.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import { Existence } from '../filesystem/existence.ts';
import { inspect, type Inspection } from '../filesystem/inspect.ts';
import type { DirtyRow, NameRange } from '../store/store.ts';
import type { UpdateContext } from './updatePeer.ts';

/** One dirty row with what it takes to send it. */
export interface DirtyFile {
  readonly row: DirtyRow;
  readonly name: FileName;
  readonly path: DiskPath;
  readonly key: string;
  /** What stands here: an object to send, or nothing (any more): a deletion. */
  readonly found: Inspection;
}

export interface Selection {
  /** Only names in one of these ranges; undefined: all. */
  readonly ranges: readonly NameRange[] | undefined;
  /** All of that was just checked: what has a row is there, but for what happens in this moment. */
  readonly isChecked: boolean;
}

/**
 * The work for one peer, in the order in which it has to be done: `deletions` deepest first, `creations` parents first.
 * Rows that no group shares with this peer, that are not selected, or whose file system is lost, are passed over.
 */
export async function* dirtyFiles(
  { cluster, store, isLost, options }: UpdateContext,
  peer: string,
  what: 'deletions' | 'creations',
): AsyncGenerator<DirtyFile, void, undefined> {
  const deletions = what === 'deletions';
  const existence = new Existence();
  for await (const page of store.dirty({ peer: encode(peer), descending: deletions })) {
    boundHeap();
    for (const row of page) {
      if (deletions && options.selection.isChecked && row.checktxt !== undefined) continue;
      if (!isSelected(row.name, options.selection)) continue;
      const name = decode(row.name) as FileName;
      const key = cluster.groupFor(peer, name)?.key;
      const path = key === undefined ? undefined : cluster.toDisk(name);
      if (key === undefined || path === undefined) continue;
      // Most of what is looked through for deletions is there.
      if (deletions && !existence.isGone(path)) continue;
      const found = inspect(path);
      const gone = found.state === 'absent' || found.state === 'parent-missing' || found.state === 'impure';
      if (gone === deletions && !isLost(path, gone)) yield { row, name, path, key, found };
    }
  }
}

function isSelected(name: Encoded, { ranges }: Selection): boolean {
  if (ranges === undefined) return true;
  return ranges.some((range) => range.from <= name && (range.to === undefined || name < range.to));
}
