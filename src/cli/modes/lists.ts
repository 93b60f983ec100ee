import type { Encoded, FileName } from '../../bytes/bytes.ts';
import { decode } from '../../bytes/urlEncoding.ts';
import { parseChecktxt } from '../../entry/checktxt.ts';
import { allNames } from '../../store/store.ts';
import type { Coverage } from '../../groups/cluster.ts';
import { lineFilter, rowFilter } from '../../groups/coverage.ts';
import { parseRows } from '../../store/rowLines.ts';
import { jsonLine, type JsonObject } from '../json.ts';
import type { Setup } from '../setup.ts';

/** `-H`: pending hints. True when anything was listed. */
export async function listHints({ store, output }: Setup): Promise<boolean> {
  const hints = await store.hints();
  for (const { name, recursive } of hints) {
    const file = decode(name);
    output.line(output.json ? jsonLine({ file, recursive }) : `${recursive ? 1 : 0}\t${file}`);
  }
  return hints.length > 0;
}

/** `-L`, or `-S`: the file rows that are covered. */
export async function listFiles({ store, output }: Setup, covered: Coverage): Promise<boolean> {
  const keep = lineFilter(covered);
  let any = false;
  for await (const page of store.fileLines(allNames)) {
    const lines = keep(page);
    if (lines === '') continue;
    any = true;
    if (output.json) {
      const { names, checktxts } = parseRows(lines);
      names.forEach((name, index) => {
        output.line(jsonLine(rowFacts(decode(name) as FileName, decode(checktxts[index] as Encoded))));
      });
    } else {
      // Nearly all that is encoded are the colons of checktxts.
      output.lines(decode(lines.replaceAll('%3A', ':')));
    }
  }
  return any;
}

/** `-M`: dirty rows of files that the configuration still covers. */
export async function listDirty({ store, cluster, output }: Setup): Promise<boolean> {
  const isCovered = rowFilter(cluster.coverage());
  let any = false;
  for await (const page of store.dirty({})) {
    for (const { name, forced, myname, peer } of page) {
      if (!isCovered(name)) continue;
      any = true;
      const decoded = decode(name);
      const pair = { myname: decode(myname), peer: decode(peer) };
      output.line(
        output.json
          ? jsonLine({ file: decoded, ...pair, forced })
          : `${forced ? 'force' : 'chary'}\t${pair.myname}\t${pair.peer}\t${decoded}`,
      );
    }
  }
  return any;
}

function rowFacts(file: FileName, checktxt: string): JsonObject {
  return { file, checktxt, ...recordedFacts(checktxt) };
}

/** The fields of a checktxt under names for programs; none when it is not one that csync2 writes. */
export function recordedFacts(checktxt: string): JsonObject {
  const fields = parseChecktxt(checktxt);
  if (fields === undefined) return {};
  const { kind, ...rest } = fields;
  return { type: kind, ...rest };
}
