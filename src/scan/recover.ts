import fs from 'node:fs';
import { fsPath, type DiskPath, type Encoded, type FileName } from '../bytes/bytes.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import type { Ignored } from '../entry/entry.ts';
import { inspect } from '../filesystem/inspect.ts';
import { Problem, problemFrom } from '../filesystem/problem.ts';
import { removeLeftover } from '../filesystem/remove.ts';
import { isTempName } from '../filesystem/tempName.ts';
import type { Cluster } from '../groups/cluster.ts';
import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { isGone } from './journal.ts';
import { rowFor } from './rowFor.ts';
import type { Change, Store, UnfinishedRow } from '../store/store.ts';

/**
 * Finishes what processes that are gone had begun: their temporary files are removed, and what they had put in place but not
 * recorded is recorded as received, so that it does not pass for a change that was made here. Cheap when there is nothing.
 */
export async function recover(cluster: Cluster, store: Store, ignored: Ignored, log: Log): Promise<void> {
  const rows = (await store.unfinished()).filter(({ owner }) => isGone(owner));
  if (rows.length === 0) return;
  const files = rows.filter(({ kind }) => kind === 'file');
  const known = await store.fileRows(files.map(({ subject }) => subject));
  const changes: Change[] = [];
  for (const row of files) {
    const placed = await adopt(cluster, ignored, row, known.get(row.subject));
    if (placed.length > 0) log.write(1, messages.recovered(decode(row.subject)));
    changes.push(...placed);
  }
  for (const { kind, subject } of rows) if (kind === 'directory') clean(decode(subject) as DiskPath, log);
  for (const owner of new Set(rows.map((row) => row.owner))) {
    changes.push({ type: 'end', owner, kind: 'file' }, { type: 'end', owner, kind: 'directory' });
  }
  await store.apply(changes);
}

/** The changes that the dead process did not come to record; none when what it announced is not what stands there. */
async function adopt(
  cluster: Cluster,
  ignored: Ignored,
  { subject, checktxt }: UnfinishedRow,
  row: Encoded | undefined,
): Promise<Change[]> {
  const name = decode(subject) as FileName;
  const path = cluster.toDisk(name);
  const found = path === undefined ? undefined : inspect(path);
  if (found === undefined || found.state === 'error') return [];
  const now = rowFor(found, ignored);
  if (now === row || (now ?? '') !== checktxt) return [];
  const update: Change =
    now === undefined ? { type: 'dropFile', name: subject } : { type: 'putFile', name: subject, checktxt: now };
  const actions = cluster.actionsFor(name, 'remote').map(({ command, logfile }): Change => {
    return { type: 'queueAction', name: subject, command: encode(command), logfile: encode(logfile) };
  });
  return [update, ...actions];
}

function clean(directory: DiskPath, log: Log): void {
  for (const base of temporaryNames(directory)) {
    const path = (directory === '/' ? `/${base}` : `${directory}/${base}`) as DiskPath;
    const removed = removeLeftover(path);
    if (removed instanceof Problem) log.error(removed.toString());
    else if (removed) log.write(1, messages.removedLeftover(path));
  }
}

/** None when the directory is gone: then so is what was in it. */
function temporaryNames(directory: DiskPath): string[] {
  try {
    return fs.readdirSync(fsPath(directory), 'latin1').filter(isTempName);
  } catch (error) {
    problemFrom(error, directory);
    return [];
  }
}

/**
 * Of these changes those that are still true: what a session is just putting in place, here or in another process, is not a
 * change that was made here. Sessions write down what they are about to do before they do it and record it in one step with
 * the end of that, so asking in this order misses nothing. What `asker`, an owner, has written down itself does not count.
 */
export async function notInTransit(
  store: Store,
  changes: readonly Change[],
  asker?: Encoded,
): Promise<readonly Change[]> {
  const recorded = new Map<Encoded, Encoded>();
  for (const change of changes) {
    if (change.type === 'putFile') recorded.set(change.name, change.checktxt);
    if (change.type === 'dropFile') recorded.set(change.name, '' as Encoded);
  }
  if (recorded.size === 0) return changes;
  const unfinished = await store.unfinished();
  const known = await store.fileRows([...recorded.keys()]);
  const settled = new Set<Encoded>();
  for (const [name, now] of recorded) if ((known.get(name) ?? '') === now) settled.add(name);
  for (const { owner, kind, subject, checktxt } of unfinished) {
    if (owner !== asker && kind === 'file' && recorded.get(subject) === checktxt) settled.add(subject);
  }
  if (settled.size === 0) return changes;
  return changes.filter((change) => !('name' in change) || !settled.has(change.name));
}
