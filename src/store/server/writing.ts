import type { Encoded } from '../../bytes/bytes.ts';
import { formatNames, markRows, type MarkRow, now } from '../marks.ts';
import type { Change, NameRange } from '../store.ts';
import type { DirtyOutcome, MarksChange, Segment } from './plan.ts';
import { rangeConditions, where } from './reading.ts';
import type { Dialect } from './session.ts';

/** Characters of data in one statement; servers limit a statement to some megabytes. */
const statementSize = 250_000;
/** Names in one list: beyond this, servers plan badly. */
const listLength = 4000;

/**
 * The statements for a segment's dirty, file and certificate rows. Rows are deleted, then inserted: that works with and
 * without unique keys, which the C program's tables on MySQL do not have.
 */
export function segmentStatements(dialect: Dialect, segment: Segment): string[] {
  const { form } = dialect;
  const files = [...segment.files];
  const certificates = [...segment.certificates];
  return [
    ...conditionalClears(dialect, segment.clearIf),
    ...deletes(dialect, 'dirty', 'filename', [...segment.clearAll]),
    ...dirtyStatements(dialect, [...segment.dirty.values()]),
    ...deletes(
      dialect,
      'file',
      'filename',
      files.map(([name]) => name),
    ),
    ...inserts(
      'file (filename, checktxt)',
      files.flatMap(([name, checktxt]) => (checktxt === null ? [] : [texts(dialect, [name, checktxt])])),
    ),
    ...deletes(
      dialect,
      'x509_cert',
      'peername',
      certificates.map(([peer]) => peer),
    ),
    ...inserts(
      'x509_cert (peername, certdata)',
      certificates.flatMap(([peer, data]) => (data === null ? [] : [texts(dialect, [form.encode(peer), data])])),
    ),
    ...[...segment.ended.values()].flatMap(({ owner, kind }) =>
      deletes(dialect, 'unfinished', 'owner', [owner], dialect.isOneOf('kind', [kind])),
    ),
    ...inserts(
      'unfinished (owner, kind, subject, checktxt)',
      segment.begun.map(({ owner, kind, subject, checktxt }) => texts(dialect, [owner, kind, subject, checktxt])),
    ),
    ...[...segment.contacts.values()].flatMap((contact) => contactStatements(dialect, contact)),
    ...mountStatements(dialect, segment.mounts),
    ...youngStatements(dialect, segment.young),
  ];
}

function mountStatements(dialect: Dialect, mounts: Segment['mounts']): string[] {
  const noted = [...mounts].flatMap(([path, isNoted]) => (isNoted ? [texts(dialect, [path])] : []));
  return [...deletes(dialect, 'mounted', 'path', [...mounts.keys()]), ...inserts('mounted (path)', noted)];
}

function youngStatements(dialect: Dialect, young: Segment['young']): string[] {
  const noted = [...young].flatMap(([name, stamp]) => (stamp === null ? [] : [texts(dialect, [name, stamp])]));
  return [...deletes(dialect, 'young', 'filename', [...young.keys()]), ...inserts('young (filename, stamp)', noted)];
}

/** A row for each peer and kind of outcome. */
function contactStatements(
  dialect: Dialect,
  { peer, at, trouble }: Extract<Change, { type: 'noteContact' }>,
): string[] {
  const outcome = trouble === undefined ? 'reached' : 'failed';
  return [
    ...deletes(dialect, 'contact', 'peername', [peer], dialect.isOneOf('outcome', [outcome])),
    ...inserts('contact (peername, outcome, moment, trouble)', [
      texts(dialect, [peer, outcome, String(at), trouble ?? '']),
    ]),
  ];
}

/** `at`: seconds since the epoch. */
function markStatements(dialect: Dialect, rows: readonly MarkRow[], at: number): string[] {
  return inserts(
    'marked (peername, moment, names)',
    rows.map(({ peer, names }) => texts(dialect, [peer, String(at), names])),
  );
}

export function marksChangeStatements(dialect: Dialect, change: MarksChange): string[] {
  if (change.type === 'tidyMarks') {
    const same = dialect.same('dirty.peername', 'marked.peername');
    return [`DELETE FROM marked WHERE NOT EXISTS (SELECT 1 FROM dirty WHERE ${same})`];
  }
  return [
    // As text: all times have ten digits for some centuries.
    `DELETE FROM marked WHERE ${dialect.exact('moment')} < ${dialect.exactText(String(change.before))}`,
    ...change.batches.flatMap(({ peer, at, names }) =>
      markStatements(
        dialect,
        formatNames(names).map((list) => ({ peer, names: list })),
        at,
      ),
    ),
  ];
}

function dirtyStatements(dialect: Dialect, outcomes: readonly DirtyOutcome[]): string[] {
  const statements: string[] = [];
  for (const [peer, ofPeer] of byPeer(outcomes)) {
    const only = dialect.isOneOf('peername', [dialect.form.encode(peer)]);
    statements.push(
      ...deletes(
        dialect,
        'dirty',
        'filename',
        ofPeer.map((outcome) => outcome.name),
        only,
      ),
    );
  }
  const rows = outcomes.flatMap(({ name, peer, row }) =>
    row === undefined ? [] : [`${row.forced ? 1 : 0}, ${texts(dialect, [name, row.myname, peer])}`],
  );
  const marked = markRows(outcomes.filter(({ row }) => row !== undefined));
  return [
    ...statements,
    ...inserts('dirty (forced, filename, myname, peername)', rows),
    ...markStatements(dialect, marked, now()),
  ];
}

/** Compares name and file row in one expression, so that each statement sees both at one moment. */
function conditionalClears(dialect: Dialect, clears: Segment['clearIf']): string[] {
  const { form } = dialect;
  const checktxt = `(SELECT ${dialect.concat(["'+'", 'checktxt'])} FROM file WHERE ${dialect.same('file.filename', 'dirty.filename')} LIMIT 1)`;
  const state = dialect.concat(['dirty.filename', dialect.tab, `COALESCE(${checktxt}, '-')`]);
  const statements: string[] = [];
  for (const [peer, ofPeer] of byPeer(clears)) {
    const only = dialect.isOneOf('peername', [form.encode(peer)]);
    for (const chunk of chunks(ofPeer, (clear) => clear.name.length * 2 + (clear.ifFile?.length ?? 0))) {
      const names = dialect.isOneOf(
        'filename',
        chunk.map((clear) => form.encode(clear.name)),
      );
      const states = chunk.map(({ name, ifFile }) =>
        dialect.exactText(`${form.encode(name)}\t${ifFile === null ? '-' : `+${form.encode(ifFile)}`}`),
      );
      statements.push(`DELETE FROM dirty WHERE ${only} AND ${names} AND ${state} IN (${states.join(', ')})`);
    }
  }
  return statements;
}

/** Forces the rows of a range whose names are as they are stored. */
export function forceStatement(dialect: Dialect, range: NameRange): string {
  const conditions = rangeConditions(dialect, 'filename', range);
  return `UPDATE dirty SET forced = 1${where(conditions)}`;
}

export function forceNamesStatements(dialect: Dialect, names: readonly Encoded[]): string[] {
  return chunks(names, (name) => name.length).map(
    (chunk) => `UPDATE dirty SET forced = 1 WHERE ${isOneOfNames(dialect, 'filename', chunk)}`,
  );
}

export function isOneOfNames(dialect: Dialect, column: string, names: readonly string[]): string {
  return dialect.isOneOf(
    column,
    names.map((name) => dialect.form.encode(name)),
  );
}

/** `values` are SQL: `literal, literal, …`. */
export function inserts(into: string, values: readonly string[]): string[] {
  return chunks(values, (value) => value.length).map((chunk) => `INSERT INTO ${into} VALUES (${chunk.join('), (')})`);
}

export function texts(dialect: Dialect, values: readonly string[]): string {
  return values.map((value) => dialect.text(dialect.form.encode(value))).join(', ');
}

function deletes(dialect: Dialect, table: string, column: string, names: readonly string[], and?: string): string[] {
  return chunks(names, (name) => name.length).map(
    (chunk) =>
      `DELETE FROM ${table} WHERE ${and === undefined ? '' : `${and} AND `}${isOneOfNames(dialect, column, chunk)}`,
  );
}

function byPeer<Item extends { readonly peer: Encoded }>(items: readonly Item[]): Map<Encoded, Item[]> {
  const groups = new Map<Encoded, Item[]>();
  for (const item of items) {
    const group = groups.get(item.peer);
    if (group) group.push(item);
    else groups.set(item.peer, [item]);
  }
  return groups;
}

/** Cuts a list into pieces that fit into a statement each. */
export function chunks<Item>(items: readonly Item[], size: (item: Item) => number): Item[][] {
  const result: Item[][] = [];
  let current: Item[] = [];
  let length = 0;
  for (const item of items) {
    const more = size(item) + 8;
    if (current.length > 0 && (length + more > statementSize || current.length >= listLength)) {
      result.push(current);
      current = [];
      length = 0;
    }
    current.push(item);
    length += more;
  }
  if (current.length > 0) result.push(current);
  return result;
}
