import fs from 'node:fs';
import type { DiskPath } from '../bytes/bytes.ts';
import { encode } from '../bytes/urlEncoding.ts';
import { encodedChecktxt } from '../entry/checktxt.ts';
import type { Entry } from '../entry/entry.ts';
import { entryFromStats } from '../entry/fromStats.ts';
import { type Young, youngAt } from '../entry/young.ts';
import { withObject } from '../filesystem/metadata.ts';
import { Problem } from '../filesystem/problem.ts';
import { readWhole } from '../filesystem/readWhole.ts';
import { noteYoung } from '../scan/young.ts';
import type { Attributes } from '../protocol/commands.ts';
import { contentLimit } from '../protocol/contentDigest.ts';
import { replies } from '../protocol/replies.ts';
import type { Change } from '../store/store.ts';
import type { Session } from './session.ts';
import type { Subject } from './admission.ts';

/** Owner and mode as wanted, but for what the configuration ignores. Times do not make a difference. */
export function hasAttributes({ ignored }: Session, entry: Entry, wanted: Attributes): boolean {
  return (
    (ignored.mod || entry.mode === wanted.mode) &&
    (ignored.uid || entry.uid === wanted.uid) &&
    (ignored.gid || entry.gid === wanted.gid)
  );
}

/**
 * The content of a regular file that was just looked at; undefined when it cannot be read or has changed since. Good until the
 * next call.
 */
export function readContent(path: DiskPath, entry: Entry): Uint8Array | undefined {
  const content = readWhole(path, entry, scratch);
  return content instanceof Problem ? undefined : content;
}

const scratch = Buffer.allocUnsafeSlow(contentLimit);

/** What is here is what the peer has: it gets the peer's time, and counts as received from there. */
export function keep(subject: Subject, attributes: Attributes): void {
  const { session, found } = subject;
  if (found.state !== 'present') throw new Error('nothing there to keep');
  const { entry } = found;
  // Links have no time on the wire, so there is nothing to do and nothing to record.
  if (entry.kind === 'lnk') return session.reply(replies.same);
  const youth = youngAt(Date.now());
  const isSet = !hasTime(entry, attributes);
  const now = isSet ? setTime(subject.path, attributes) : entry;
  if (now instanceof Problem) return session.reply(now.message);
  const { mtime, mtimeNanoseconds } = now;
  session.record(changesOf(subject, { ...entry, mtime, mtimeNanoseconds }, isSet, youth));
  session.reply(replies.same);
}

/** Only changes that change something: most files of a large run are as they were. */
function changesOf({ session, name, row, dirty }: Subject, entry: Entry, isSet: boolean, youth: Young): Change[] {
  const changes: Change[] = [];
  const checktxt = encodedChecktxt(entry, session.ignored);
  if (checktxt !== row) changes.push({ type: 'putFile', name, checktxt });
  // The peer's time is not a later change of a file that is noted.
  if (checktxt !== row || isSet) changes.push(...noteYoung(name, entry, youth));
  // A check may have recorded and marked a change by now.
  if (dirty) changes.push({ type: 'clearDirty', name, peer: encode(session.peer), ifFile: checktxt });
  return changes;
}

function hasTime(entry: Entry, { mtime, mtimeNanoseconds }: Attributes): boolean {
  return entry.mtime === mtime && microseconds(entry.mtimeNanoseconds) === microseconds(mtimeNanoseconds);
}

/** What it is now: not every file system can hold the time that was wanted. */
function setTime(path: DiskPath, { mtime, mtimeNanoseconds }: Attributes): Entry | Problem {
  return withObject(path, (object) => {
    const problem = object.setTime(mtime, mtimeNanoseconds);
    return problem ?? entryFromStats(fs.fstatSync(object.fd, { bigint: true }), '');
  });
}

/** Times cannot be set more exactly. */
function microseconds(nanoseconds: number): number {
  return Math.floor(nanoseconds / 1000);
}
