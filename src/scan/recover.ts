import fs from 'node:fs';
import { fsPath, type DiskPath, type Encoded, type FileName } from '../bytes/bytes.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import type { Ignored } from '../entry/entry.ts';
import { youngAt } from '../entry/young.ts';
import { Filesystems } from '../filesystem/flush.ts';
import { inspect, type Inspection } from '../filesystem/inspect.ts';
import { Problem, problemFrom } from '../filesystem/problem.ts';
import { removeLeftover } from '../filesystem/remove.ts';
import { isTempName } from '../filesystem/tempName.ts';
import type { Cluster } from '../groups/cluster.ts';
import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { type Expected, expectedIn, isAsExpected, isGone, Journal, wentDown } from './journal.ts';
import type { Mounts } from './mounts.ts';
import { rowFor } from './rowFor.ts';
import { fileFound, isHiddenChange, noteYoung, type Recorded } from './young.ts';
import type { Change, Store, UnfinishedRow } from '../store/store.ts';

/**
 * Finishes what processes that are gone had begun: their temporary files are removed, and what they had put in place but not
 * recorded is recorded as received, so that it does not pass for a change that was made here. Cheap when there is nothing.
 * What they had begun on a file system that is lost has to wait until that is there again.
 */
export async function recover(
  cluster: Cluster,
  store: Store,
  ignored: Ignored,
  mounts: Mounts,
  log: Log,
): Promise<void> {
  const abandoned = (await store.unfinished()).filter(({ owner }) => isGone(owner));
  const isLost = (path: DiskPath): boolean => mounts.lostAt(path) !== undefined;
  const outOfReach = abandoned.filter((row) => placesOf(cluster, row).some(isLost));
  const waiting = new Set(outOfReach.map(({ owner }) => owner));
  const rows = abandoned.filter(({ owner }) => !waiting.has(owner));
  if (rows.length === 0) return;
  const directories = rows.filter(({ kind }) => kind === 'directory');
  for (const { subject } of directories) clean(decode(subject) as DiskPath, log);
  // Once this is done nobody knows that anything is in doubt, so nothing may be. It takes the disk a while, in which other
  // sessions go on: what stands there is looked at afterwards.
  const isFlushed = await flushAll(directories, log);
  const journal = new Journal();
  try {
    const changes: Change[] = await adoptAll(cluster, store, ignored, log, rows, journal);
    const certain = new Set(changes.flatMap((change) => ('name' in change ? [change.name] : [])));
    for (const row of directories.filter(({ owner }) => wentDown(owner))) {
      for (const doubt of await doubts(cluster, store, ignored, row)) {
        if (certain.has(doubt.name)) continue;
        log.error(messages.inDoubt(decode(doubt.name)));
        changes.push(doubt);
      }
    }
    for (const owner of new Set(rows.map((row) => row.owner))) {
      changes.push({ type: 'end', owner, kind: 'file' });
      if (isFlushed) changes.push({ type: 'end', owner, kind: 'directory' });
    }
    await store.apply([...changes, ...journal.settle()]);
  } finally {
    journal.close();
  }
}

/**
 * What these rows tell of, as it stands there. Until that is recorded no session may replace it, or what is recorded would be
 * of before. So it is written down that it is to be recorded; only then is it looked at, and only what nobody else has recorded
 * by then: whoever has asked before has found it in the rows that are still there, and whoever asks later finds it in ours.
 */
async function adoptAll(
  cluster: Cluster,
  store: Store,
  ignored: Ignored,
  log: Log,
  rows: readonly UnfinishedRow[],
  journal: Journal,
): Promise<Change[]> {
  await store.apply(journal.begin(rows.filter(isOfFiles).flatMap(expectedIn)));
  const owners = new Set(rows.map(({ owner }) => owner));
  const left = (await store.unfinished('file')).filter((row) => owners.has(row.owner));
  const files = left.flatMap(expectedIn);
  const names = files.map(({ name }) => name);
  const known = await store.fileRows(names);
  const young = await store.young(names);
  const changes: Change[] = [];
  for (const file of files) {
    const recorded = { row: known.get(file.name), noted: young.get(file.name) };
    const placed = adopt(cluster, ignored, file, recorded);
    if (placed.length > 0) log.write(1, messages.recovered(decode(file.name)));
    changes.push(...placed);
  }
  return changes;
}

function isOfFiles({ kind }: UnfinishedRow): boolean {
  return kind === 'file';
}

function placesOf(cluster: Cluster, row: UnfinishedRow): DiskPath[] {
  if (row.kind === 'directory') return [decode(row.subject) as DiskPath];
  return expectedIn(row).flatMap(({ name }) => cluster.toDisk(decode(name) as FileName) ?? []);
}

/** The changes that the dead process did not come to record; none when what it announced is not what stands there. */
function adopt(cluster: Cluster, ignored: Ignored, expected: Expected, { row, noted }: Recorded): Change[] {
  const encoded = expected.name;
  const name = decode(encoded) as FileName;
  const path = cluster.toDisk(name);
  const youth = youngAt(Date.now());
  const found = path === undefined ? undefined : inspect(path);
  if (found === undefined || found.state === 'error') return [];
  const now = rowFor(found, ignored);
  if (!isAsExpected(expected, now, fileFound(found)) || (now === row && !isHiddenChange(found, noted))) return [];
  const update: Change =
    now === undefined ? { type: 'dropFile', name: encoded } : { type: 'putFile', name: encoded, checktxt: now };
  const note = found.state === 'present' ? noteYoung(encoded, found.entry, youth) : [];
  const actions = cluster.actionsFor(name, 'remote').map(({ command, logfile }): Change => {
    return { type: 'queueAction', name: encoded, command: encode(command), logfile: encode(logfile) };
  });
  return [update, ...note, ...actions];
}

/** False when the disk has refused. */
async function flushAll(directories: readonly UnfinishedRow[], log: Log): Promise<boolean> {
  const filesystems = new Filesystems();
  for (const { subject } of directories) filesystems.add(decode(subject));
  const problem = await filesystems.flush();
  if (problem !== undefined) log.error(problem.toString());
  return problem?.code !== 'EIO';
}

type RowChange = Extract<Change, { type: 'putFile' | 'dropFile' }>;

/**
 * The host went down while files were received into a directory, since the moment that its row tells. What stands there in another way than
 * its row says may be half of what a peer had sent, or what the disk had before: it is taken for what it is, but for nobody's
 * change, so that it does not replace the whole file on the peers.
 */
async function doubts(
  cluster: Cluster,
  store: Store,
  ignored: Ignored,
  { subject, checktxt }: UnfinishedRow,
): Promise<RowChange[]> {
  const directory = decode(subject) as DiskPath;
  const changes: RowChange[] = [];
  for (const parent of cluster.toNames(directory)) {
    const start = encode(parent) === '/' ? '/' : `${encode(parent)}/`;
    const rows = await rowsIn(store, start);
    const names = new Set([...rows.keys(), ...namesIn(directory).map((base) => (start + encode(base)) as Encoded)]);
    for (const name of names) {
      const file = decode(name) as FileName;
      const path = cluster.covering(file).length === 0 ? undefined : cluster.toDisk(file);
      const found = path === undefined ? undefined : inspect(path);
      if (found === undefined || found.state === 'error') continue;
      const now = rowFor(found, ignored);
      if (now === rows.get(name)) continue;
      if (now === undefined) changes.push({ type: 'dropFile', name });
      else if (changedSince(found, Number(checktxt))) changes.push({ type: 'putFile', name, checktxt: now });
    }
  }
  return changes;
}

/** The rows of what is directly in a directory, given with its final slash. */
async function rowsIn(store: Store, start: string): Promise<Map<Encoded, Encoded>> {
  const rows = new Map<Encoded, Encoded>();
  for await (const { names, checktxts } of store.files({ from: start, to: start.slice(0, -1) + '0' })) {
    names.forEach((name, at) => {
      if (!name.includes('/', start.length)) rows.set(name, checktxts[at] as Encoded);
    });
  }
  return rows;
}

function changedSince(found: Inspection, seconds: number): boolean {
  return found.state === 'present' && found.entry.changeTimeNs >= BigInt(seconds) * 1_000_000_000n;
}

function clean(directory: DiskPath, log: Log): void {
  for (const base of namesIn(directory).filter(isTempName)) {
    const path = (directory === '/' ? `/${base}` : `${directory}/${base}`) as DiskPath;
    const removed = removeLeftover(path);
    if (removed instanceof Problem) log.error(removed.toString());
    else if (removed) log.write(1, messages.removedLeftover(path));
  }
}

/** None when the directory is gone: then so is what was in it. */
function namesIn(directory: DiskPath): string[] {
  try {
    return fs.readdirSync(fsPath(directory), 'latin1');
  } catch (error) {
    problemFrom(error, directory);
    return [];
  }
}
