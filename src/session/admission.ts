import { setTimeout as sleep } from 'node:timers/promises';
import type { DiskPath, Encoded, FileName } from '../bytes/bytes.ts';
import { encode } from '../bytes/urlEncoding.ts';
import type { Young } from '../entry/young.ts';
import { inspect, type Inspection } from '../filesystem/inspect.ts';
import type { FileCommand } from '../protocol/commands.ts';
import type { Permission } from '../groups/cluster.ts';
import { replies } from '../protocol/replies.ts';
import { checkFile, checkFound, type FileCheck, mostLooks } from '../scan/checkFile.ts';
import type { Expected } from '../scan/journal.ts';
import { begunByOthers } from '../scan/inTransit.ts';
import { markDirtyBecauseOf } from '../scan/marking.ts';
import { noteYoung } from '../scan/young.ts';
import type { Session } from './session.ts';
import { isUntouched } from './untouched.ts';

/** What is known of the file that a transfer is about, when its turn has come. */
export interface Subject {
  readonly session: Session;
  readonly file: FileName;
  readonly name: Encoded;
  readonly path: DiskPath;
  readonly found: Exclude<Inspection, { state: 'error' }>;
  /** Of before it was looked at. */
  readonly youth: Young;
  readonly row: Encoded | undefined;
  /** Its stamp, if it was young when it was recorded. */
  readonly noted: string | undefined;
  /** For any peer. */
  readonly dirty: boolean;
}

/** May the peer do this? When not, the reply has been given; a slave is to hear of the file from us. */
export function permitted(session: Session, { key, file, name }: FileCommand): boolean {
  return letThrough(session, file, session.cluster.permission(session.peer, key, file, name === 'TYPE'));
}

/** The same when the answer is known. */
export function letThrough(session: Session, file: FileName, permission: Permission): boolean {
  if (permission === 'granted') return isMounted(session, file);
  if (permission === 'slave') markForPeer(session, file);
  session.reply(permission === 'slave' ? replies.slaveDenied : replies.denied);
  return false;
}

/** Nothing gets onto the directory that a lost file system was mounted on. */
function isMounted(session: Session, file: FileName): boolean {
  const { mounts } = session;
  if (mounts.isEmpty) return true;
  const path = session.cluster.toDisk(file);
  if (path === undefined) return true;
  session.record(mounts.remember(path, false));
  const lost = mounts.lostAt(path);
  if (lost === undefined) return true;
  mounts.tell(lost, session.log);
  session.reply(replies.notMounted);
  return false;
}

/**
 * The check that has to find nothing before anything is changed. A string is the reply that refuses it: the file is dirty here,
 * and the peer has to hear of it from us, or it cannot be looked at.
 */
export async function checkForConflict(session: Session, file: FileName): Promise<FileCheck | string> {
  const { store } = session;
  const check = await checkRecorded(session, file);
  if (check === undefined) return replies.overtaken;
  if (check.found.state === 'error') return check.found.problem.message;
  if (check.changes.length > 0) {
    session.announce(file, check.changes);
    await store.apply(check.changes);
  }
  if (!(await store.dirtyAmong([check.name])).has(check.name)) return check;
  markForPeer(session, file);
  return replies.conflict;
}

/**
 * Checks a file once no other session has anything there that is not recorded: were that replaced now and recorded after what
 * took its place, its row would pass for a change that was made here. So that no two wait for each other, nothing that we
 * have begun is left open meanwhile. What a session that is gone has there is recorded here. Undefined: that takes too long.
 */
export async function checkRecorded(session: Session, file: FileName): Promise<FileCheck | undefined> {
  const { cluster, store, ignored, owner } = session;
  let hasRecovered = false;
  return session.patience.until(async () => {
    const check = await checkFile(cluster, store, ignored, file, { asker: owner });
    if (check.isUnrecorded === true) await session.commit();
    else if (check.isAbandoned !== true || hasRecovered) return check;
    else {
      await session.recover();
      hasRecovered = true;
    }
    return undefined;
  });
}

/**
 * Waits until no other session that is at work has written down what a file will be: then what is there is recorded. Nothing
 * that we have begun is left open meanwhile. Two that have met do not go on at the same moment, the less the more often they
 * have: `times`. False: that takes too long.
 */
export async function othersAreDone(session: Session, file: FileName, times: number): Promise<boolean> {
  const names = new Set([encode(file)]);
  await session.commit();
  await sleep(Math.random() * times * longestPause);
  const isDone = await session.patience.until(async () => {
    return (await begunByOthers(session.store, names, session.owner)).size === 0 || undefined;
  });
  return isDone === true;
}

/** Milliseconds. */
const longestPause = 20;

/**
 * What is there now, for a file that was checked a while ago, when `found` was there, and that is to be what is `expected`. Another
 * session may have replaced it since, which is no conflict; what somebody here has made of it is one. A string is the reply that
 * refuses it.
 */
export async function checkAgain(
  session: Session,
  file: FileName,
  found: Inspection,
  expected: readonly Expected[],
): Promise<Inspection | string> {
  const path = session.cluster.toDisk(file);
  let latest = found;
  for (let looks = 0; path !== undefined && !isUntouched(latest, inspect(path)); looks++) {
    if (looks === mostLooks) return replies.overtaken;
    const check = await checkForConflict(session, file);
    if (typeof check === 'string') return check;
    latest = check.found;
    // It may have ended what was begun.
    await session.begin(expected);
  }
  return latest;
}

function markForPeer(session: Session, file: FileName): void {
  const marks = markDirtyBecauseOf(session.cluster, session.peer, file, encode(file));
  session.announce(file, marks);
  session.record(marks);
}

/**
 * The check before anything is changed. Undefined when the file is dirty here, and then the reply has been given. With `force`
 * nothing stands in the way any more.
 */
export function admit(subject: Subject, force: boolean): FileCheck | undefined {
  const { session, file, name, found, youth } = subject;
  const check = checkFound(session.cluster, session.ignored, file, found, subject);
  session.announce(file, check.changes);
  session.record(check.changes);
  if (check.changes.length > 0 && found.state === 'present') session.record(noteYoung(name, found.entry, youth));
  if (force) {
    session.record([{ type: 'clearAllDirty', name: check.name }]);
    return check;
  }
  if (!subject.dirty && !check.changes.some(({ type }) => type === 'markDirty')) return check;
  markForPeer(session, file);
  session.reply(replies.conflict);
  return undefined;
}
