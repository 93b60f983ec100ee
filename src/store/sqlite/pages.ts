import type { Statement } from 'better-sqlite3';

import type { Encoded } from '../../bytes/bytes.ts';
import { rowAt, strayRow } from '../rowLines.ts';
import { type DirtyRow, exactly } from '../store.ts';
import { type Bound, bound, fieldEnd, rowEnd } from './statements.ts';

/** Fewer names are looked up one by one. */
const fewNames = 16;

/**
 * What a table has from the first to the last of some names, when that is little more than was asked for, as with files that are
 * worked off in order: one page is ten times as fast as a look-up for every name. `asked` is ascending.
 */
export function neighbours(
  names: readonly Encoded[],
  page: Statement<[Bound, Bound, number], [Buffer | null, number]>,
): { readonly asked: readonly Encoded[]; readonly blob: Buffer } | undefined {
  if (names.length < fewNames) return undefined;
  const asked = [...names].sort();
  const limit = names.length * 2;
  const last = exactly(asked[asked.length - 1] as Encoded).to as string;
  const [blob, count] = page.get(bound(asked[0] as Encoded), bound(last), limit) ?? [null, 0];
  return count === limit ? undefined : { asked, blob: blob ?? Buffer.alloc(0) };
}

/** The rows of these names (ascending) among those of a page. */
export function rowsOf(asked: readonly Encoded[], page: Buffer): Map<Encoded, Encoded> {
  const rows = new Map<Encoded, Encoded>();
  const lines = page.toString('latin1');
  let next = 0;
  for (let start = 0; start < lines.length;) {
    const row = rowAt(lines, start);
    while (next < asked.length && (asked[next] as Encoded) < row.name) next += 1;
    if (asked[next] === row.name) rows.set(row.name, row.checktxt);
    start = row.next;
  }
  return rows;
}

/** `name TAB peer TAB myname TAB 0|1 [TAB checktxt]` lines to rows. Fails with StoreError READ when one is none. */
export function parseDirtyPage(blob: Buffer): DirtyRow[] {
  return blob
    .toString('latin1')
    .split(rowEnd)
    .map((line) => {
      const [name, peer, myname, forced, checktxt] = line.split(fieldEnd) as (Encoded | undefined)[];
      if (name === undefined || peer === undefined || myname === undefined || forced === undefined)
        throw strayRow(line);
      return { name, forced: (forced as string) === '1', myname, peer, checktxt };
    });
}
