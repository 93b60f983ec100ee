import type { Encoded } from '../../bytes/bytes.ts';
import { strayRow } from '../rowLines.ts';
import type { DirtyRow } from '../store.ts';
import { fieldEnd, rowEnd } from './statements.ts';

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
