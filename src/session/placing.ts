import { inspect } from '../filesystem/inspect.ts';
import { isFilledDirectory } from '../filesystem/isFilledDirectory.ts';
import { withObject } from '../filesystem/metadata.ts';
import { messageFor, Problem } from '../filesystem/problem.ts';
import type { Staged } from '../filesystem/staged.ts';
import type { Attributes } from '../protocol/commands.ts';
import { replies } from '../protocol/replies.ts';
import { Replacement } from './replacement.ts';
import type { Session } from './session.ts';
import type { Subject } from './admission.ts';

interface Settable {
  setOwner(uid: number | undefined, gid: number | undefined): Problem | undefined;
  setMode(mode: number): Problem | undefined;
  setTime(seconds: number, nanoseconds: number): Problem | undefined;
}

interface Details {
  readonly content?: Uint8Array;
  /** Of a link. */
  readonly target?: string;
}

/** Makes an object beside its place, complete, and puts it there in one step. Replies. */
export function place(
  { session, file, path, found }: Subject,
  attributes: Attributes,
  stage: () => Staged | Problem,
  { content, target = '' }: Details,
): void {
  if (found.state === 'present' && found.entry.kind === 'dir' && isFilledDirectory(path)) {
    return session.reply(messageFor('ENOTEMPTY'));
  }
  const staged = stage();
  if (staged instanceof Problem) return session.reply(staged.message);
  const replacement = new Replacement(file, path, staged, found, target);
  const problem =
    (content === undefined ? undefined : staged.write(content, 0)) ??
    setAll(session, replacement, attributes, staged.kind !== 'lnk');
  if (problem === undefined) return session.reply(replacement.finish(session) ?? replies.finished);
  replacement.discard();
  session.reply(problem.message);
}

/** A directory keeps what is in it: its metadata is set where it is. Replies. */
export function setDirectory({ session, file, path }: Subject, attributes: Attributes): void {
  const problem = withObject(path, (object) => setAll(session, object, attributes, true));
  const now = inspect(path);
  if (problem !== undefined) return session.reply(problem.message);
  session.recordReceived(file, now.state === 'present' ? now.entry : undefined, true);
  session.reply(replies.finished);
}

/** Links have no time on the wire. */
function setAll(
  { ignored }: Session,
  target: Settable,
  { mode, uid, gid, mtime, mtimeNanoseconds }: Attributes,
  timed: boolean,
): Problem | undefined {
  const problem =
    target.setOwner(ignored.uid ? undefined : uid, ignored.gid ? undefined : gid) ??
    (ignored.mod ? undefined : target.setMode(mode));
  if (problem !== undefined || !timed) return problem;
  return target.setTime(mtime, mtimeNanoseconds);
}
