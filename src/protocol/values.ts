import type { Encoded } from '../bytes/bytes.ts';
import { parseInteger } from './numbers.ts';

/** The line after `OK (data_follows).` of GETTM and GETSZ: seconds or bytes, −1 for no file; undefined: malformed. */
export function parseNumberLine(line: string): number | undefined {
  return parseInteger(line, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

export interface ListRow {
  readonly checktxt: Encoded;
  readonly name: Encoded;
}

/** One row of a LIST answer, without newline. */
export function formatListRow(row: ListRow): string {
  return `${row.checktxt}\t${row.name}`;
}

/** Undefined: not a row; the end of the list is a reply line (`isOk`). */
export function parseListRow(line: string): ListRow | undefined {
  const tab = line.indexOf('\t');
  if (tab < 0) return undefined;
  return { checktxt: line.slice(0, tab) as Encoded, name: line.slice(tab + 1) as Encoded };
}
