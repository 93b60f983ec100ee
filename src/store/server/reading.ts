import type { Encoded } from '../../bytes/bytes.ts';
import type { DirtyQuery, DirtyRow, NameRange } from '../store.ts';
import { pageRows, type Dialect } from './session.ts';
import { lowerBound, upperBound } from './storedForm.ts';

/** One query's worth of ordered rows, in a form that pages and merging need. */
export interface OrderedQuery<Row> {
  /** SQL of the page that follows the row with these stored fields (from the start: undefined). */
  page(after: readonly string[] | undefined): string;
  /** SQL of all rows whose names may be escaped, in any order. */
  readonly escapedRows: string;
  parse(fields: readonly string[]): Row;
  /** Whether a row that the server thought fit really is. */
  inRange(row: Row): boolean;
  compare(a: Row, b: Row): number;
}

export interface FileRow {
  readonly name: Encoded;
  readonly checktxt: Encoded;
}

export function filesQuery(dialect: Dialect, range: NameRange): OrderedQuery<FileRow> {
  const { form } = dialect;
  const name = dialect.exact('filename');
  const select = `SELECT ${dialect.concat(['filename', dialect.tab, 'checktxt'])} AS line FROM file`;
  const bounds = rangeConditions(dialect, 'filename', range);
  return {
    page: (after) => {
      const conditions = after === undefined ? bounds : [...bounds, `${name} > ${dialect.exactText(after[0] ?? '')}`];
      return `${select}${where(conditions)} ORDER BY ${name} LIMIT ${pageRows}`;
    },
    escapedRows: select + where([dialect.mayBeEscaped('filename')]),
    parse: ([stored = '', checktxt = '']) => ({
      name: form.decode(stored) as Encoded,
      checktxt: form.decode(checktxt) as Encoded,
    }),
    inRange: (row) => isInside(range, row.name),
    compare: (a, b) => compareBytes(a.name, b.name),
  };
}

export function dirtyQuery(dialect: Dialect, query: DirtyQuery): OrderedQuery<DirtyRow> {
  const { form } = dialect;
  const range = query.range ?? { from: '' };
  const name = dialect.exact('dirty.filename');
  const peer = dialect.exact('dirty.peername');
  const [direction, beyond] = query.descending === true ? ['DESC', '<'] : ['ASC', '>'];
  const fields = ['dirty.filename', 'dirty.peername', 'dirty.myname', 'dirty.forced'];
  const line = dialect.concat([...fields.flatMap((field) => [asText(field), dialect.tab]), dirtyFile(dialect)]);
  const select = `SELECT ${line} AS line FROM dirty LEFT JOIN file ON ${dialect.same('file.filename', 'dirty.filename')}`;
  const ofPeer = query.peer === undefined ? [] : [dialect.isOneOf('dirty.peername', [form.encode(query.peer)])];
  const bounds = [...ofPeer, ...rangeConditions(dialect, 'dirty.filename', range)];
  return {
    page: (after) => {
      const conditions = [...bounds];
      if (after !== undefined) {
        const [lastName, lastPeer] = [dialect.exactText(after[0] ?? ''), dialect.exactText(after[1] ?? '')];
        conditions.push(`${name} ${beyond}= ${lastName} AND (${name} ${beyond} ${lastName} OR ${peer} > ${lastPeer})`);
      }
      return `${select}${where(conditions)} ORDER BY ${name} ${direction}, ${peer} LIMIT ${pageRows}`;
    },
    escapedRows: select + where([...ofPeer, dialect.mayBeEscaped('dirty.filename')]),
    parse: ([stored = '', peername = '', myname = '', forced = '', checktxt = '']) => ({
      name: form.decode(stored) as Encoded,
      forced: forced !== '0',
      myname: form.decode(myname) as Encoded,
      peer: form.decode(peername) as Encoded,
      checktxt: checktxt.startsWith('+') ? (form.decode(checktxt.slice(1)) as Encoded) : undefined,
    }),
    inRange: (row) => isInside(range, row.name),
    compare: (a, b) =>
      (query.descending === true ? compareBytes(b.name, a.name) : compareBytes(a.name, b.name)) ||
      compareBytes(a.peer, b.peer),
  };

  function asText(field: string): string {
    return field === 'dirty.forced' ? `CASE WHEN dirty.forced = 0 THEN '0' ELSE '1' END` : field;
  }
}

/** The checktxt of the joined file row with a `+` in front, or `-` when there is none. */
function dirtyFile(dialect: Dialect): string {
  return `CASE WHEN file.filename IS NULL THEN '-' ELSE ${dialect.concat(["'+'", 'file.checktxt'])} END`;
}

/** What the server can tell of `range.from <= column < range.to`. */
export function rangeConditions(dialect: Dialect, column: string, range: NameRange): string[] {
  const exact = dialect.exact(column);
  const conditions: string[] = [];
  const lower = lowerBound(dialect.form, range.from);
  if (lower.stored !== '')
    conditions.push(`${exact} >${lower.inclusive ? '=' : ''} ${dialect.exactText(lower.stored)}`);
  const upper = upperBound(dialect.form, range.to);
  if (upper) conditions.push(`${exact} <${upper.inclusive ? '=' : ''} ${dialect.exactText(upper.stored)}`);
  return conditions;
}

/** The one name of a range made by `exactly`, which an index finds however the server sorts. */
export function onlyName(range: NameRange): Encoded | undefined {
  return range.to === `${range.from}\0` && !range.from.includes('\0') ? (range.from as Encoded) : undefined;
}

export function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

function isInside(range: NameRange, name: string): boolean {
  return name >= range.from && (range.to === undefined || name < range.to);
}

export function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
