import type { Encoded } from '../bytes/bytes.ts';
import { type FilePage, StoreError } from './store.ts';

/**
 * File rows as one text: `checktxt TAB name NEWLINE` each, both encoded, in byte order of the names. No encoded string
 * holds a byte below 0x21, so these part fields and rows unmistakably. Disk, database and peer (LIST) meet in this form:
 * where they agree, long stretches are compared at once and no row is ever cut out.
 */
export interface FileRow {
  readonly name: Encoded;
  readonly checktxt: Encoded;
}

/** The rows of a text. Fails with StoreError READ when a line is no row. */
export function parseRows(lines: string): FilePage {
  const names: Encoded[] = [];
  const checktxts: Encoded[] = [];
  for (let start = 0; start < lines.length;) {
    const { name, checktxt, next } = rowAt(lines, start);
    names.push(name);
    checktxts.push(checktxt);
    start = next;
  }
  return { names, checktxts };
}

export function formatRows(names: readonly Encoded[], checktxts: readonly Encoded[]): string {
  return names.map((name, index) => formatRow(name, checktxts[index] as Encoded)).join('');
}

export function formatRow(name: Encoded, checktxt: Encoded): string {
  return `${checktxt}\t${name}\n`;
}

/** The row that begins at `start`, and where the next one does. Fails as `parseRows`, or with what `stray` makes of a line. */
export function rowAt(
  lines: string,
  start: number,
  stray: (line: string) => Error = strayRow,
): FileRow & { readonly next: number } {
  const end = lines.indexOf('\n', start);
  const tab = lines.indexOf('\t', start);
  if (end < 0 || tab < 0 || tab > end) throw stray(lines.slice(start, end < 0 ? undefined : end));
  return { name: lines.slice(tab + 1, end) as Encoded, checktxt: lines.slice(start, tab) as Encoded, next: end + 1 };
}

/** The last of these rows. Fails as `parseRows`. */
export function lastRow(lines: string): FileRow {
  return rowAt(lines, lines.lastIndexOf('\n', lines.length - 2) + 1);
}

/** Length of the whole rows that `a` at `i` and `b` at `j`, both beginnings of rows, have in common. */
export function sameRows(a: string, i: number, b: string, j: number): number {
  const most = Math.min(a.length - i, b.length - j);
  let same = 0;
  let step = firstStep;
  let growing = true;
  while (step >= 1 && same < most) {
    const length = Math.min(step, most - same);
    const isEqual = a.slice(i + same, i + same + length) === b.slice(j + same, j + same + length);
    if (isEqual) same += length;
    growing &&= isEqual;
    step = growing ? step * 2 : step >> 1;
  }
  return same === 0 ? 0 : Math.max(0, a.lastIndexOf('\n', i + same - 1) + 1 - i);
}

/** About the length of a row. */
const firstStep = 128;

export function strayRow(row: string): StoreError {
  return new StoreError(
    'READ',
    `The database holds a row that is not URL-encoded, near ${JSON.stringify(row.slice(0, 200))}`,
  );
}
