import fs from 'node:fs';
import type { Entry } from '../../entry/entry.ts';
import { entryFromStats } from '../../entry/fromStats.ts';
import { youngAt } from '../../entry/young.ts';
import { inspect, type Inspection } from '../../filesystem/inspect.ts';
import { type Metadata, withObject } from '../../filesystem/metadata.ts';
import { Problem } from '../../filesystem/problem.ts';
import type { FileCommand } from '../../protocol/commands.ts';
import { replies } from '../../protocol/replies.ts';
import { checkForConflict } from '../admission.ts';
import { expectedEntry } from '../expected.ts';
import type { Replacement } from '../replacement.ts';
import type { Session } from '../session.ts';
import { isUntouched } from '../untouched.ts';

type MetadataCommand = Extract<FileCommand, { name: 'SETOWN' | 'SETMOD' | 'SETIME' }>;

/**
 * SETOWN, SETMOD, SETIME: of the replacement that is under way for this file, else of what stands there. `meant`: what was found
 * there when that was checked, or compared; a setting is not for what has come in its place since.
 */
export async function setMetadata(session: Session, request: MetadataCommand, meant?: Inspection): Promise<void> {
  const { replacement } = session;
  if (replacement === undefined) return setInPlace(session, request, meant);
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
  session.reply((await replacement.finishLater(session)) ?? replies.finished);
}

async function setInPlace(session: Session, request: MetadataCommand, meant: Inspection | undefined): Promise<void> {
  const path = session.cluster.toDisk(request.file);
  if (path === undefined) return session.reply(replies.denied);
  const before = inspect(path);
  if (meant !== undefined && !isUntouched(meant, before)) return overtaken(session, request);
  if (before.state === 'present') {
    await session.stage([request.file]);
    await session.begin([expectedEntry(request.file, withSetting(before.entry, request), session.ignored)]);
  }
  // That may have had to wait.
  if (!isUntouched(before, inspect(path))) return overtaken(session, request);
  const youth = youngAt(Date.now());
  const result = withObject(path, (object) => {
    // Peers send owner and mode along with what they put there anew. One that does not may mean a file outside.
    if (object.hasOtherNames && request.name !== 'SETIME') return new Problem('EMLINK', path, replies.otherNames);
    return set(session, object, request) ?? entryOf(object, path);
  });
  if (result instanceof Problem) {
    const absent = result.code === 'PARENT_MISSING' || result.code === 'IMPURE';
    return session.reply(absent ? 'No such file or directory' : result.message);
  }
  session.recordReceived(request.file, result, false, youth);
  session.reply(replies.finished);
}

/** By what another session has put there, or somebody here has made of it. */
async function overtaken(session: Session, { file }: MetadataCommand): Promise<void> {
  const check = await checkForConflict(session, file);
  session.reply(typeof check === 'string' ? check : replies.overtaken);
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
      return { ...entry, mtime: request.mtime, mtimeNanoseconds: request.mtimeNanoseconds ?? 0 };
  }
}

function entryOf(object: Metadata, path: Parameters<typeof inspect>[0]): Entry | Problem {
  const stats = fs.fstatSync(object.fd, { bigint: true });
  if (!stats.isSymbolicLink()) return entryFromStats(stats, '');
  const found = inspect(path);
  return found.state === 'present' ? found.entry : new Problem('ENOENT', path);
}
