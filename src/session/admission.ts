import type { DiskPath, Encoded, FileName } from '../bytes/bytes.ts';
import { encode } from '../bytes/urlEncoding.ts';
import type { Inspection } from '../filesystem/inspect.ts';
import type { FileCommand } from '../protocol/commands.ts';
import type { Permission } from '../groups/cluster.ts';
import { replies } from '../protocol/replies.ts';
import { checkFound, type FileCheck } from '../scan/checkFile.ts';
import { markDirtyBecauseOf } from '../scan/marking.ts';
import type { Session } from './session.ts';

/** What is known of the file that a transfer is about, when its turn has come. */
export interface Subject {
  readonly session: Session;
  readonly file: FileName;
  readonly name: Encoded;
  readonly path: DiskPath;
  readonly found: Exclude<Inspection, { state: 'error' }>;
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

/** The file is dirty here: the peer has to hear of it from us. */
export function refuseAsConflict(session: Session, file: FileName): void {
  markForPeer(session, file);
  session.reply(replies.conflict);
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
  const { session, file, found } = subject;
  const check = checkFound(session.cluster, session.ignored, file, found, subject);
  session.announce(file, check.changes);
  session.record(check.changes);
  if (force) {
    session.record([{ type: 'clearAllDirty', name: check.name }]);
    return check;
  }
  if (!subject.dirty && !check.changes.some(({ type }) => type === 'markDirty')) return check;
  refuseAsConflict(session, file);
  return undefined;
}
