import type { Encoded } from '../bytes/bytes.ts';
import { type FilePage, StoreError } from './store.ts';

/**
 * File rows as one text: `name TAB checktxt NEWLINE` each, both encoded, in byte order of the names. No encoded string
 * holds a byte below 0x21, so these part fields and rows unmistakably. Disk and database meet in this form: where they
 * agree, long stretches are compared at once and no row is ever cut out.
 */

/** The rows of a text. Fails with StoreError READ when a line is no row. */
export function parseRows(lines: string): FilePage {
  const names: Encoded[] = [];
  const checktxts: Encoded[] = [];
  for (let start = 0; start < lines.length;) {
    const { tab, end } = rowAt(lines, start);
    names.push(lines.slice(start, tab) as Encoded);
    checktxts.push(lines.slice(tab + 1, end) as Encoded);
    start = end + 1;
  }
  return { names, checktxts };
}

export function formatRows(names: readonly Encoded[], checktxts: readonly Encoded[]): string {
  return names.map((name, index) => `${name}\t${checktxts[index]}\n`).join('');
}

/** Where the fields of the row that begins at `start` end. Fails as `parseRows`. */
export function rowAt(lines: string, start: number): { readonly tab: number; readonly end: number } {
  const tab = lines.indexOf('\t', start);
  const end = lines.indexOf('\n', tab + 1);
  if (tab < 0 || end < 0) throw strayRow(lines.slice(start));
  return { tab, end };
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
