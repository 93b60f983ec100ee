import fs from 'node:fs';
import type { Entry } from '../../entry/entry.ts';
import { entryFromStats } from '../../entry/fromStats.ts';
import { youngAt } from '../../entry/young.ts';
import { inspect, type Inspection } from '../../filesystem/inspect.ts';
import { type Metadata, withObject } from '../../filesystem/metadata.ts';
import { Problem } from '../../filesystem/problem.ts';
import type { FileCommand } from '../../protocol/commands.ts';
import { replies } from '../../protocol/replies.ts';
import { expectedEntry } from '../expected.ts';
import type { Replacement } from '../replacement.ts';
import type { Session } from '../session.ts';

type MetadataCommand = Extract<FileCommand, { name: 'SETOWN' | 'SETMOD' | 'SETIME' }>;

/** SETOWN, SETMOD, SETIME: of the replacement that is under way for this file, else of what stands there. */
export async function setMetadata(session: Session, request: MetadataCommand): Promise<void> {
  const { replacement } = session;
  if (replacement === undefined) {
    await setInPlace(session, request);
    return;
  }
  const problem = set(session, replacement, request);
  if (problem !== undefined) {
    session.replacement = undefined;
    session.refused = request.file;
    replacement.discard();
    return session.reply(problem.message);
  }
  // Links have neither mode nor time on the wire: their owner comes last.
  const complete = request.name === 'SETIME' || (request.name === 'SETOWN' && replacement.kind === 'lnk');
  if (!complete) return session.reply(replies.finished);
  session.replacement = undefined;
  await session.begin([expectedEntry(request.file, replacement.entry(), session.ignored)]);
  session.reply((await replacement.finishLater(session)) ?? replies.finished);
}

/** `isOther`: it is not what the peer means, so nothing is done; then this is false, and nothing was replied. */
export async function setInPlace(
  session: Session,
  request: MetadataCommand,
  isOther: (now: Inspection) => boolean = () => false,
): Promise<boolean> {
  const path = session.cluster.toDisk(request.file);
  if (path === undefined) {
    session.reply(replies.denied);
    return true;
  }
  const before = inspect(path);
  if (isOther(before)) return false;
  if (before.state === 'present') {
    await session.stage([request.file]);
    await session.begin([expectedEntry(request.file, withSetting(before.entry, request), session.ignored)]);
  }
  // That may have had to wait.
  if (isOther(inspect(path))) return false;
  const youth = youngAt(Date.now());
  const result = withObject(path, (object) => set(session, object, request) ?? entryOf(object, path));
  if (result instanceof Problem) {
    const absent = result.code === 'PARENT_MISSING' || result.code === 'IMPURE';
    session.reply(absent ? 'No such file or directory' : result.message);
    return true;
  }
  session.recordReceived(request.file, result, false, youth);
  session.reply(replies.finished);
  return true;
}

function set(session: Session, target: Metadata | Replacement, request: MetadataCommand): Problem | undefined {
  const { ignored } = session;
  switch (request.name) {
    case 'SETOWN':
      return target.setOwner(ignored.uid ? undefined : request.uid, ignored.gid ? undefined : request.gid);
    case 'SETMOD':
      return ignored.mod ? undefined : target.setMode(request.mode);
    case 'SETIME':
      return target.setTime(request.mtime, request.mtimeNanoseconds);
  }
}

function withSetting(entry: Entry, request: MetadataCommand): Entry {
  switch (request.name) {
    case 'SETOWN':
      return { ...entry, uid: request.uid, gid: request.gid };
    case 'SETMOD':
      return { ...entry, mode: (entry.mode & ~0o7777) | (request.mode & 0o7777) };
    case 'SETIME':
      return { ...entry, mtime: request.mtime };
  }
}

function entryOf(object: Metadata, path: Parameters<typeof inspect>[0]): Entry | Problem {
  const stats = fs.fstatSync(object.fd, { bigint: true });
  if (!stats.isSymbolicLink()) return entryFromStats(stats, '');
  const found = inspect(path);
  return found.state === 'present' ? found.entry : new Problem('ENOENT', path);
}
