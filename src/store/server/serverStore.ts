import { setTimeout as pause } from 'node:timers/promises';

import type { Encoded } from '../../bytes/bytes.ts';
import { parseNames } from '../marks.ts';
import { formatRows } from '../rowLines.ts';
import {
  StoreError,
  type ActionRow,
  type Change,
  type ContactRow,
  type DirtyQuery,
  type DirtyRow,
  type FilePage,
  type HintRow,
  type MarkBatch,
  type NameRange,
  type Store,
  type StoreOptions,
  type UnfinishedRow,
} from '../store.ts';
import { planBatch, type Segment } from './plan.ts';
import { compareBytes, dirtyQuery, filesQuery, onlyName, rangeConditions, where, type FileRow } from './reading.ts';
import { orderedPages } from './pages.ts';
import type { ErrorKind, Session } from './session.ts';
import {
  chunks,
  forceNamesStatements,
  forceStatement,
  inserts,
  isOneOfNames,
  marksChangeStatements,
  segmentStatements,
  texts,
} from './writing.ts';

const neverReached = { reached: undefined, failed: undefined, trouble: undefined };

/** Names in one look-up. */
const lookUpNames = 4000;

/**
 * A state database on a server, over one connection that its callers take in turns. Batches are transactions; those of
 * several csync2 of this kind on one database come one after the other, those of the C program are waited for.
 */
export class ServerStore implements Store {
  readonly #session: Session;
  readonly #name: string;
  readonly #options: StoreOptions;
  #turn: Promise<unknown> = Promise.resolve();

  /** `name` is the database as people may see it. */
  constructor(session: Session, name: string, options: StoreOptions) {
    this.#session = session;
    this.#name = name;
    this.#options = options;
  }

  async *files(range: NameRange): AsyncGenerator<FilePage> {
    const name = onlyName(range);
    if (name !== undefined) {
      for (const [found, checktxt] of await this.fileRows([name])) yield { names: [found], checktxts: [checktxt] };
      return;
    }
    const query = filesQuery(this.#session.dialect, range);
    for await (const page of orderedPages(query, this.#session.dialect.form, (sql) => this.#lines(sql))) {
      yield { names: page.map((row: FileRow) => row.name), checktxts: page.map((row: FileRow) => row.checktxt) };
    }
  }

  async *fileLines(range: NameRange): AsyncGenerator<string> {
    for await (const { names, checktxts } of this.files(range)) yield formatRows(names, checktxts);
  }

  async fileRows(names: readonly Encoded[]): Promise<ReadonlyMap<Encoded, Encoded>> {
    const { dialect } = this.#session;
    const line = dialect.concat(['filename', dialect.tab, 'checktxt']);
    const rows = new Map<Encoded, Encoded>();
    for (const some of lookUps(names)) {
      for (const found of await this.#lines(
        `SELECT ${line} AS line FROM file WHERE ${isOneOfNames(dialect, 'filename', some)}`,
      )) {
        const [name, checktxt] = this.#fields(found);
        rows.set(name, checktxt);
      }
    }
    return rows;
  }

  /** Servers mostly have no index in byte order: they would sort the whole table for each name, which takes longer than the work. */
  async nameAfter(): Promise<undefined> {
    return undefined;
  }

  async fileCount(range: NameRange): Promise<number> {
    const { dialect } = this.#session;
    const conditions = where(rangeConditions(dialect, 'filename', range));
    return Number((await this.#lines(`SELECT ${dialect.count} AS line FROM file${conditions}`))[0]);
  }

  async dirtyPeers(): Promise<Encoded[]> {
    const line = this.#session.dialect.concat(['peername']);
    const peers = await this.#lines(`SELECT DISTINCT ${line} AS line FROM dirty`);
    return peers.map((peer) => this.#fields(peer)[0]).sort(compareBytes);
  }

  async *dirty(query: DirtyQuery): AsyncGenerator<readonly DirtyRow[]> {
    const { dialect } = this.#session;
    yield* orderedPages(dirtyQuery(dialect, query), dialect.form, (sql) => this.#lines(sql));
  }

  async dirtyCounts(range: NameRange): Promise<ReadonlyMap<Encoded, number>> {
    const { dialect } = this.#session;
    const peer = dialect.exact('peername');
    const conditions = where(rangeConditions(dialect, 'filename', range));
    const counted = `SELECT ${peer} AS peer, ${dialect.count} AS found FROM dirty${conditions} GROUP BY ${peer}`;
    const line = dialect.concat(['peer', dialect.tab, 'found']);
    const rows = await this.#lines(`SELECT ${line} AS line FROM (${counted}) AS counted`);
    return new Map(rows.map((row) => this.#fields(row)).map(([name, count]) => [name, Number(count)]));
  }

  async dirtyAmong(names: readonly Encoded[]): Promise<ReadonlySet<Encoded>> {
    const { dialect } = this.#session;
    const line = dialect.concat(['filename']);
    const found = new Set<Encoded>();
    for (const some of lookUps(names)) {
      const sql = `SELECT DISTINCT ${line} AS line FROM dirty WHERE ${isOneOfNames(dialect, 'filename', some)}`;
      for (const row of await this.#lines(sql)) found.add(this.#fields(row)[0]);
    }
    return found;
  }

  async hints(): Promise<readonly HintRow[]> {
    const { dialect } = this.#session;
    const flag = `CASE WHEN ${dialect.recursive} = 0 THEN '0' ELSE '1' END`;
    const rows = await this.#lines(
      `SELECT DISTINCT ${dialect.concat(['filename', dialect.tab, flag])} AS line FROM hint`,
    );
    return rows
      .map((row) => this.#fields(row))
      .map(([name, recursive]) => ({ name, recursive: (recursive as string) === '1' }))
      .sort((a, b) => compareBytes(a.name, b.name) || Number(a.recursive) - Number(b.recursive));
  }

  async actions(): Promise<readonly ActionRow[]> {
    const { dialect } = this.#session;
    const line = dialect.concat(['filename', dialect.tab, 'command', dialect.tab, 'logfile']);
    const rows = await this.#lines(`SELECT DISTINCT ${line} AS line FROM action`);
    return rows
      .map((row) => this.#fields(row))
      .map(([name, command, logfile]) => ({ name, command, logfile }))
      .sort(
        (a, b) =>
          compareBytes(a.command, b.command) || compareBytes(a.logfile, b.logfile) || compareBytes(a.name, b.name),
      );
  }

  async certificate(peer: Encoded): Promise<string | undefined> {
    return (await this.#certificates(isOneOfNames(this.#session.dialect, 'peername', [peer])))[0]?.certificate;
  }

  async certificates(): Promise<readonly { peer: Encoded; certificate: string }[]> {
    return this.#certificates();
  }

  async #certificates(condition?: string): Promise<{ peer: Encoded; certificate: string }[]> {
    const { dialect } = this.#session;
    const line = dialect.concat(['peername', dialect.tab, 'certdata']);
    const rows = await this.#lines(`SELECT ${line} AS line FROM x509_cert${where(condition ? [condition] : [])}`);
    return rows
      .map((row) => this.#fields(row))
      .map(([peer, certificate]) => ({ peer, certificate }))
      .sort((a, b) => compareBytes(a.peer, b.peer));
  }

  async marks(): Promise<readonly MarkBatch[]> {
    const { dialect } = this.#session;
    const rows = await this.#lines(
      `SELECT ${dialect.concat(['peername', dialect.tab, 'moment', dialect.tab, 'names'])} AS line FROM marked`,
    );
    return rows
      .map((row) => this.#fields(row))
      .map(([peer, moment, names]) => ({ peer, at: Number(moment), names: parseNames(names) }))
      .sort((a, b) => b.at - a.at);
  }

  async contacts(): Promise<readonly ContactRow[]> {
    const { dialect } = this.#session;
    const fields = ['peername', dialect.tab, 'outcome', dialect.tab, 'moment', dialect.tab, 'trouble'];
    const rows = await this.#lines(`SELECT ${dialect.concat(fields)} AS line FROM contact`);
    const contacts = new Map<Encoded, ContactRow>();
    for (const row of rows) {
      const [peer = '', outcome, moment, trouble] = dialect.form.decode(row).split('\t') as Encoded[];
      const known = contacts.get(peer as Encoded) ?? { ...neverReached, peer: peer as Encoded };
      const at = Number(moment);
      contacts.set(
        peer as Encoded,
        (outcome as string) === 'reached' ? { ...known, reached: at } : { ...known, failed: at, trouble },
      );
    }
    return [...contacts.values()].sort((a, b) => compareBytes(a.peer, b.peer));
  }

  async unfinished(kind?: UnfinishedRow['kind']): Promise<readonly UnfinishedRow[]> {
    const { dialect } = this.#session;
    const fields = ['owner', dialect.tab, 'kind', dialect.tab, 'subject', dialect.tab, 'checktxt'];
    const which = kind === undefined ? '' : ` WHERE ${dialect.isOneOf('kind', [kind])}`;
    const rows = await this.#lines(`SELECT ${dialect.concat(fields)} AS line FROM unfinished${which}`);
    return rows.map((row) => {
      const [owner = '', kind, subject = '', checktxt = ''] = dialect.form.decode(row).split('\t') as Encoded[];
      return {
        owner: owner as Encoded,
        kind: (kind as string) === 'directory' ? 'directory' : 'file',
        subject: subject as Encoded,
        checktxt: checktxt as Encoded,
      };
    });
  }

  async mounts(): Promise<readonly Encoded[]> {
    const { dialect } = this.#session;
    const rows = await this.#lines(`SELECT ${dialect.concat(['path'])} AS line FROM mounted`);
    return [...new Set(rows.map((row) => this.#fields(row)[0]))].sort(compareBytes);
  }

  async young(names?: readonly Encoded[]): Promise<ReadonlyMap<Encoded, string>> {
    const { dialect } = this.#session;
    const all = `SELECT ${dialect.concat(['filename', dialect.tab, 'stamp'])} AS line FROM young`;
    const some = (these: readonly Encoded[]): string => `${all} WHERE ${isOneOfNames(dialect, 'filename', these)}`;
    const stamps = new Map<Encoded, string>();
    for (const sql of names === undefined ? [all] : [...lookUps(names)].map(some)) {
      for (const [name, stamp] of (await this.#lines(sql)).map((row) => this.#fields(row))) stamps.set(name, stamp);
    }
    return stamps;
  }

  async size(): Promise<number> {
    return Number((await this.#lines(`SELECT ${this.#session.dialect.size} AS line`))[0]);
  }

  async apply(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    const segments = planBatch(changes);
    await this.#inTurn('WRITE', () => this.#write(segments));
  }

  /** A server's commits are as durable as its administrator wants them. */
  async flush(): Promise<void> {
    await this.#turn;
  }

  async close(): Promise<void> {
    await this.#inTurn('WRITE', () => this.#session.close());
  }

  /** Starts over when the server picked this transaction to give way to another. */
  async #write(segments: readonly Segment[]): Promise<void> {
    const deadline = performance.now() + this.#options.lockTimeout * 1000;
    let keysAllowed = false;
    for (let wait = 5; ; wait = Math.min(wait * 2, 200)) {
      try {
        await this.#session.begin();
        for (const segment of segments) await this.#carryOut(segment);
        await this.#session.commit();
        return;
      } catch (error) {
        const kind = this.#session.kindOf(error);
        if (kind === 'CONNECTION') throw error;
        await this.#session.rollback();
        if (kind === 'KEY_TOO_LONG' && !keysAllowed) {
          await this.#session.allowLongKeys();
          keysAllowed = true;
        } else if (kind === 'RETRY' && performance.now() < deadline) await pause(wait);
        else throw error;
      }
    }
  }

  async #carryOut(segment: Segment): Promise<void> {
    const { dialect } = this.#session;
    const statements = segmentStatements(dialect, segment);
    if (statements.length > 0) await this.#session.run(statements);
    if (segment.hints.size > 0) await this.#changeHints([...segment.hints.values()]);
    if (segment.actions.size > 0) await this.#changeActions([...segment.actions.values()]);
    if (segment.force !== undefined) await this.#force(segment.force);
    if (segment.marks !== undefined) await this.#session.run(marksChangeStatements(dialect, segment.marks));
  }

  async #changeHints(hints: readonly { name: Encoded; recursive: boolean; present: boolean }[]): Promise<void> {
    const { dialect } = this.#session;
    const flag = (recursive: boolean): string => `${dialect.recursive} ${recursive ? '<> 0' : '= 0'}`;
    const statements: string[] = [];
    for (const recursive of [false, true]) {
      const some = hints.filter((hint) => hint.recursive === recursive);
      for (const chunk of chunks(some, (hint) => hint.name.length)) {
        const names = chunk.map((hint) => hint.name);
        statements.push(`DELETE FROM hint WHERE ${flag(recursive)} AND ${isOneOfNames(dialect, 'filename', names)}`);
      }
      const rows = some
        .filter((hint) => hint.present)
        .map((hint) => `${texts(dialect, [hint.name])}, ${recursive ? 1 : 0}`);
      statements.push(...inserts(`hint (filename, ${dialect.recursive})`, rows));
    }
    await this.#session.run(statements);
  }

  /** A name has one row for a command at most, whatever its log file; the first one stays. */
  async #changeActions(changes: readonly (ActionRow & { readonly present: boolean })[]): Promise<void> {
    const { dialect } = this.#session;
    const key = (row: ActionRow): string => `${row.name}\t${row.command}\t${row.logfile}`;
    const wanted = new Map(changes.map((change) => [key(change), change]));
    const kept = new Map<string, ActionRow>();
    const line = dialect.concat(['filename', dialect.tab, 'command', dialect.tab, 'logfile']);
    const statements: string[] = [];
    for (const chunk of chunks(changes, (change) => change.name.length)) {
      const condition = isOneOfNames(dialect, 'filename', [...new Set(chunk.map((change) => change.name))]);
      for (const found of await this.#session.lines(`SELECT ${line} AS line FROM action WHERE ${condition}`)) {
        const [name, command, logfile] = this.#fields(found);
        if (wanted.get(`${name}\t${command}\t${logfile}`)?.present === false) continue;
        const pair = `${name}\t${command}`;
        if (!kept.has(pair)) kept.set(pair, { name, command, logfile });
      }
      statements.push(`DELETE FROM action WHERE ${condition}`);
    }
    for (const { name, command, logfile, present } of wanted.values()) {
      const pair = `${name}\t${command}`;
      if (present && !kept.has(pair)) kept.set(pair, { name, command, logfile });
    }
    const rows = [...kept.values()].map((row) => texts(dialect, [row.name, row.command, row.logfile]));
    await this.#session.run([...statements, ...inserts('action (filename, command, logfile)', rows)]);
  }

  /** Where names may be stored escaped, the range is read first: only the reader can tell where those belong. */
  async #force(range: NameRange): Promise<void> {
    const { dialect } = this.#session;
    const name = onlyName(range);
    if (name !== undefined) return this.#session.run(forceNamesStatements(dialect, [name]));
    if (!dialect.form.limited) return this.#session.run([forceStatement(dialect, range)]);
    const names = new Set<Encoded>();
    const read = (sql: string): Promise<string[]> => this.#session.lines(sql);
    for await (const page of orderedPages(dirtyQuery(dialect, { range }), dialect.form, read)) {
      for (const row of page) names.add(row.name);
    }
    return this.#session.run(forceNamesStatements(dialect, [...names]));
  }

  #fields(line: string): [Encoded, Encoded, Encoded] {
    const fields = this.#session.dialect.form.decode(line).split('\t') as Encoded[];
    const none = '' as Encoded;
    return [fields[0] ?? none, fields[1] ?? none, fields[2] ?? none];
  }

  #lines(sql: string): Promise<string[]> {
    return this.#inTurn('READ', () => this.#session.lines(sql));
  }

  /** Runs `action` when all that was asked for before is done. */
  #inTurn<Result>(code: 'READ' | 'WRITE', action: () => Promise<Result>): Promise<Result> {
    const mine = this.#turn.then(action).catch((error: unknown) => {
      throw this.#failure(code, error);
    });
    this.#turn = Promise.allSettled([mine]);
    return mine;
  }

  #failure(code: 'READ' | 'WRITE', error: unknown): StoreError {
    if (error instanceof StoreError) return error;
    const kind = this.#session.kindOf(error);
    const message = error instanceof Error ? error.message : String(error);
    const waited = `waited ${this.#options.lockTimeout} s, see lock-timeout`;
    const [actual, text] = descriptions(kind, message, waited);
    return new StoreError(actual ?? code, `Database ${this.#name}: ${text}`, { cause: error });
  }
}

function descriptions(kind: ErrorKind, message: string, waited: string): [StoreError['code'] | undefined, string] {
  switch (kind) {
    case 'CONNECTION':
      return ['CONNECTION', `connection lost: ${message}`];
    case 'LOCKED':
    case 'RETRY':
      return ['LOCKED', `locked by another process (${waited}): ${message}`];
    case 'KEY_TOO_LONG':
    case 'OTHER':
      return [undefined, message];
  }
}

function* lookUps(names: readonly Encoded[]): Generator<readonly Encoded[]> {
  for (let at = 0; at < names.length; at += lookUpNames) yield names.slice(at, at + lookUpNames);
}
