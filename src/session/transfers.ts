import type { DiskPath, Encoded, FileName } from '../bytes/bytes.ts';
import { encode } from '../bytes/urlEncoding.ts';
import type { Entry } from '../entry/entry.ts';
import { youngAt } from '../entry/young.ts';
import { inspect } from '../filesystem/inspect.ts';
import { Problem } from '../filesystem/problem.ts';
import type { Permission } from '../groups/cluster.ts';
import type { TransferCommand } from '../protocol/commands.ts';
import { contentLimit } from '../protocol/contentDigest.ts';
import { replies } from '../protocol/replies.ts';
import { letThrough, othersAreDone, type Subject } from './admission.ts';
import { transferDeletion } from './commands/xdel.ts';
import { transferContent } from './commands/xput.ts';
import { transferObject } from './commands/xset.ts';
import { expectedAfter, expectedOnTheWay } from './expected.ts';
import { checkFound, mostLooks } from '../scan/checkFile.ts';
import type { Expected } from '../scan/journal.ts';
import { begunByOthers, notInTransit } from '../scan/inTransit.ts';
import { rowFor } from '../scan/rowFor.ts';
import { fileFound } from '../scan/young.ts';
import type { Session } from './session.ts';
import { isUntouched } from './untouched.ts';

/** One request of the extension `xput`, with what came behind it. */
export interface Transfer {
  readonly request: TransferCommand;
  /** Of an XPUT. */
  readonly content: Uint8Array | undefined;
}

/** Few enough that a client which keeps some hundreds under way works on while these are worked off. */
const transfersAtOnce = 128;
const bytesAtOnce = contentLimit;

/** Transfers that have arrived and wait for those behind them, so that the database is asked once for all. */
export class TransferQueue {
  #waiting: Transfer[] = [];
  readonly #names = new Set<FileName>();
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get isFull(): boolean {
    return this.#waiting.length >= transfersAtOnce || this.#bytes >= bytesAtOnce;
  }

  /** What the first of two transfers of one file leaves behind is what the second finds: they cannot share a look. */
  holds(file: FileName): boolean {
    return this.#names.has(file);
  }

  add(transfer: Transfer): void {
    this.#waiting.push(transfer);
    this.#names.add(transfer.request.file);
    this.#bytes += transfer.content?.length ?? 0;
  }

  take(): readonly Transfer[] {
    const transfers = this.#waiting;
    this.#waiting = [];
    this.#names.clear();
    this.#bytes = 0;
    return transfers;
  }
}

/** Works off transfers of different files, in order. Every one is answered exactly once. */
export async function runTransfers(session: Session, transfers: readonly Transfer[]): Promise<void> {
  await session.finishReplacement();
  session.refused = undefined;
  let looks = 0;
  for (let left = transfers; left.length > 0;) {
    const rest = await runSome(session, left);
    looks = rest.length < left.length ? 1 : looks + 1;
    left = rest;
    const [next] = left;
    if (next === undefined) return;
    if (looks < mostLooks && (await othersAreDone(session, next.request.file, looks))) continue;
    session.reply(replies.overtaken);
    left = left.slice(1);
    looks = 0;
  }
}

/** Works off transfers up to one that another session has overtaken; those that are left. */
async function runSome(session: Session, transfers: readonly Transfer[]): Promise<readonly Transfer[]> {
  const names = transfers.map(({ request }) => encode(request.file));
  await session.settle(names);
  const { store } = session;
  const rows = await store.fileRows(names);
  const dirty = await store.dirtyAmong(names);
  const young = await store.young(names);
  const permissions = transfers.map(({ request: { key, file } }) =>
    session.cluster.permission(session.peer, key, file),
  );
  const contested = await announce(
    session,
    transfers.filter((_, at) => permissions[at] === 'granted'),
    rows,
    young,
  );
  for (const [at, transfer] of transfers.entries()) {
    if (!letThrough(session, transfer.request.file, permissions[at] as Permission)) continue;
    const name = names[at] as Encoded;
    const recorded = { row: rows.get(name), noted: young.get(name), dirty: dirty.has(name) };
    if (!(await run(session, transfer, name, { recorded, isContested: contested.has(name) })))
      return transfers.slice(at);
  }
  return [];
}

/**
 * Writes down what is to come, for those files that may be replaced, or will not be as their rows say already. Those of them
 * that another session has written down as well are told: it may have put there again what their rows said when they were
 * read, and record that after we have replaced it. Who writes down later is told of us.
 */
async function announce(
  session: Session,
  transfers: readonly Transfer[],
  rows: ReadonlyMap<Encoded, Encoded>,
  young: ReadonlyMap<Encoded, string>,
): Promise<ReadonlySet<Encoded>> {
  const { cluster, mounts, ignored } = session;
  const expected: Expected[] = [];
  const files: FileName[] = [];
  for (const transfer of transfers) {
    const { request } = transfer;
    const after = expectedAfter(transfer, ignored);
    // Another content can have the same row, and so can another time within the same second.
    const mayReplace = request.name === 'XPUT' || request.force || young.has(after.name);
    if (!mayReplace && after.checktxt === rows.get(after.name)) continue;
    const path = mounts.hasLost ? cluster.toDisk(request.file) : undefined;
    if (path !== undefined && mounts.lostAt(path) !== undefined) continue;
    expected.push(after, ...expectedOnTheWay(transfer, rows.get(after.name), ignored));
    files.push(request.file);
  }
  await session.stage(files);
  await session.begin(expected);
  if (expected.length === 0) return new Set();
  return begunByOthers(session.store, new Set(expected.map(({ name }) => name)), session.owner);
}

/** False when another session has overtaken what was read of it. */
async function run(session: Session, transfer: Transfer, name: Encoded, read: Read): Promise<boolean> {
  const { file } = transfer.request;
  const path = session.cluster.toDisk(file);
  const looked = path === undefined ? undefined : await look(session, file, name, path, read);
  if (looked === 'overtaken') return false;
  if (path === undefined || looked === undefined) session.reply(replies.denied);
  else if (looked instanceof Problem) session.reply(looked.message);
  else put({ session, file, name, path, ...looked }, transfer);
  return true;
}

function put(subject: Subject, { request, content }: Transfer): void {
  switch (request.name) {
    case 'XDEL':
      return transferDeletion(subject, request);
    case 'XSET':
      return transferObject(subject, request);
    case 'XPUT':
      return transferContent(subject, request, content ?? new Uint8Array(0));
  }
}

type Recorded = Pick<Subject, 'row' | 'noted' | 'dirty'>;
/** What was read of a file, before that was written down which is to come. */
interface Read {
  readonly recorded: Recorded;
  /** Another session has written down what it will be, too. */
  readonly isContested: boolean;
}
type Looked = Pick<Subject, 'found' | 'youth'> & Recorded;

/**
 * What is there, and what the database has of it: what was read, or, when that cannot be recorded by itself, what a session that
 * was killed has put in place, so that this does not pass for a change that was made here. A check may also have marked a change
 * since that was read. Overtaken: another session has put it there meanwhile, and has to have recorded it before all begins anew,
 * since what is to come may not have been written down: it was not when it was what the row said.
 */
async function look(
  session: Session,
  file: FileName,
  name: Encoded,
  path: DiskPath,
  { recorded: read, isContested }: Read,
): Promise<Looked | Problem | 'overtaken'> {
  const { cluster, store, ignored, owner } = session;
  for (let recorded = read, looks = 1; ; looks++) {
    const youth = youngAt(Date.now());
    const found = inspect(path);
    if (found.state === 'error') return found.problem;
    const { changes } = checkFound(cluster, ignored, file, found, recorded);
    if (changes.length === 0) return isContested ? 'overtaken' : { found, youth, ...recorded };
    const fileAt = (): Entry | undefined => fileFound(found);
    const stillTrue = await notInTransit(store, changes, { fileAt, asker: owner });
    const isOurs = stillTrue.changes.length > 0;
    if (stillTrue.unrecorded.has(name) || (!isOurs && stillTrue.rows.get(name) !== read.row)) return 'overtaken';
    const mayRecover = stillTrue.abandoned.has(name) && looks === 1;
    if (mayRecover) await session.recover();
    const dirty = (await store.dirtyAmong([name])).has(name);
    const row = isOurs ? recorded.row : rowFor(found, ignored);
    if (!mayRecover && (looks === mostLooks || isUntouched(found, inspect(path)))) {
      if (!isOurs)
        session.record([row === undefined ? { type: 'dropFile', name } : { type: 'putFile', name, checktxt: row }]);
      return { found, youth, row, noted: isOurs ? recorded.noted : undefined, dirty };
    }
    const now = (await store.fileRows([name])).get(name);
    if (now !== read.row) return 'overtaken';
    const noted = (await store.young([name])).get(name);
    recorded = { row: now, noted, dirty: (await store.dirtyAmong([name])).has(name) };
  }
}
