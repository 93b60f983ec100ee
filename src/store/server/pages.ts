import type { OrderedQuery } from './reading.ts';
import { pageRows } from './session.ts';
import type { StoredForm } from './storedForm.ts';

/**
 * The rows of a query, page by page, in its order. Where names may be stored escaped, those few sort elsewhere on the
 * server than where they belong: they are read first, all together, and put in between.
 */
export async function* orderedPages<Row>(
  query: OrderedQuery<Row>,
  form: StoredForm,
  read: (sql: string) => Promise<string[]>,
): AsyncGenerator<Row[]> {
  const escaped = form.limited ? await escapedRows(query, form, read) : [];
  let after: string[] | undefined;
  let previous: Row | undefined;
  for (;;) {
    const lines = await read(query.page(after));
    after = lines[lines.length - 1]?.split('\t');
    const isLast = lines.length < pageRows;
    const rows = form.limited ? ownRows(query, form, lines) : lines.map((line) => query.parse(line.split('\t')));
    const page = withoutRepeats(query, merge(query, rows, escaped, isLast), previous);
    previous = page[page.length - 1] ?? previous;
    if (page.length > 0) yield page;
    if (isLast) return;
  }
}

async function escapedRows<Row>(
  query: OrderedQuery<Row>,
  form: StoredForm,
  read: (sql: string) => Promise<string[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const line of await read(query.escapedRows)) {
    const fields = line.split('\t');
    if (!hasEscapedName(form, fields)) continue;
    const row = query.parse(fields);
    if (query.inRange(row)) rows.push(row);
  }
  return rows.sort((a, b) => query.compare(a, b));
}

/** The rows of a page that stand where they belong, less those that only the server took to be in range. */
function ownRows<Row>(query: OrderedQuery<Row>, form: StoredForm, lines: readonly string[]): Row[] {
  const rows: Row[] = [];
  for (const line of lines) {
    const fields = line.split('\t');
    if (hasEscapedName(form, fields)) continue;
    const row = query.parse(fields);
    if (query.inRange(row)) rows.push(row);
  }
  return rows;
}

function hasEscapedName(form: StoredForm, fields: readonly string[]): boolean {
  const name = fields[0] ?? '';
  return form.decode(name) !== name;
}

/** Takes from the front of `escaped` what sorts up to the end of `rows`; all of it into the last page. */
function merge<Row>(query: OrderedQuery<Row>, rows: Row[], escaped: Row[], isLast: boolean): Row[] {
  if (escaped.length === 0) return rows;
  const merged: Row[] = [];
  let next = 0;
  for (const row of rows) {
    while (next < escaped.length && query.compare(escaped[next] as Row, row) < 0) merged.push(escaped[next++] as Row);
    merged.push(row);
  }
  if (isLast) for (; next < escaped.length; next++) merged.push(escaped[next] as Row);
  escaped.splice(0, next);
  return merged;
}

/** Tables without unique keys may hold a row twice, side by side here. */
function withoutRepeats<Row>(query: OrderedQuery<Row>, rows: Row[], previous: Row | undefined): Row[] {
  let last = previous;
  return rows.filter((row) => {
    const isNew = last === undefined || query.compare(last, row) !== 0;
    last = row;
    return isNew;
  });
}
