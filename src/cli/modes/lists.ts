import type { FileName } from '../../bytes/bytes.ts';
import { decode } from '../../bytes/urlEncoding.ts';
import { allNames } from '../../store/store.ts';
import type { Setup } from '../setup.ts';

/** `-H`: pending hints. True when anything was listed. */
export async function listHints({ store, output }: Setup): Promise<boolean> {
  const hints = await store.hints();
  for (const { name, recursive } of hints) output.line(`${recursive ? 1 : 0}\t${decode(name)}`);
  return hints.length > 0;
}

/** `-L`, or `-S`: file rows that `isWanted`. */
export async function listFiles({ store, output }: Setup, isWanted: (name: FileName) => boolean): Promise<boolean> {
  let any = false;
  for await (const { names, checktxts } of store.files(allNames)) {
    for (const [index, name] of names.entries()) {
      const decoded = decode(name) as FileName;
      if (!isWanted(decoded)) continue;
      any = true;
      output.line(`${decode(checktxts[index] ?? '')}\t${decoded}`);
    }
  }
  return any;
}

/** `-M`: dirty rows of files that the configuration still covers. */
export async function listDirty({ store, cluster, output }: Setup): Promise<boolean> {
  let any = false;
  for await (const page of store.dirty({})) {
    for (const { name, forced, myname, peer } of page) {
      const decoded = decode(name) as FileName;
      if (cluster.covering(decoded).length === 0) continue;
      any = true;
      output.line(`${forced ? 'force' : 'chary'}\t${decode(myname)}\t${decode(peer)}\t${decoded}`);
    }
  }
  return any;
}
