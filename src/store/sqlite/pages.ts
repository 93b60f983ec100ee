import type { Encoded } from '../../bytes/bytes.ts';
import { strayRow } from '../rowLines.ts';
import type { DirtyRow } from '../store.ts';
import { fieldEnd, rowEnd } from './statements.ts';

/** The name in the last of these rows (see rowLines.ts). Fails with StoreError READ when it is not URL-encoded. */
export function lastName(lines: string): Encoded {
  const start = lines.lastIndexOf('\n', lines.length - 2) + 1;
  const tab = lines.indexOf('\t', start);
  if (tab < 0) throw strayRow(lines.slice(start));
  return lines.slice(start, tab) as Encoded;
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
