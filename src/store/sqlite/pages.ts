import type { Encoded } from '../../bytes/bytes.ts';
import { StoreError, type DirtyRow, type FilePage } from '../store.ts';
import { fieldEnd, rowEnd } from './statements.ts';

/** `name TAB checktxt` lines to a page. Fails with StoreError READ when a row is not URL-encoded. */
export function parseFilePage(blob: Buffer): FilePage {
  const lines = blob.toString('latin1');
  const names: Encoded[] = [];
  const checktxts: Encoded[] = [];
  for (let start = 0; start <= lines.length;) {
    const tab = lines.indexOf(fieldEnd, start);
    if (tab < 0) throw strayRow(lines.slice(start));
    const newline = lines.indexOf(rowEnd, tab);
    const end = newline < 0 ? lines.length : newline;
    names.push(lines.slice(start, tab) as Encoded);
    checktxts.push(lines.slice(tab + 1, end) as Encoded);
    start = end + 1;
  }
  return { names, checktxts };
}

/** `name TAB peer TAB myname TAB 0|1 [TAB checktxt]` lines to rows. Fails as above. */
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

function strayRow(row: string): StoreError {
  return new StoreError(
    'READ',
    `The database holds a row that is not URL-encoded, near ${JSON.stringify(row.slice(0, 200))}`,
  );
}
