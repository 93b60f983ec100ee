import type { FileName } from '../../bytes/bytes.ts';
import { inspect } from '../../filesystem/inspect.ts';
import { remove as removeFromDisk } from '../../filesystem/remove.ts';
import { replies } from '../../protocol/replies.ts';
import type { FileCheck } from '../../scan/checkFile.ts';
import { backUp } from '../backUp.ts';
import type { Session } from '../session.ts';
import { isUntouched } from '../untouched.ts';

/** DEL: a directory only when it is empty. What is gone already, or cannot be reached without following a link, counts as deleted. */
export function remove(session: Session, file: FileName, check: FileCheck): void {
  const path = session.cluster.toDisk(file);
  if (path === undefined) return session.reply(replies.denied);
  const now = inspect(path);
  if (now.state === 'present') {
    if (!isUntouched(check.found, now)) return session.reply(replies.overtaken);
    const hindrance = backUp(session, file, path, now);
    if (hindrance !== undefined) return session.reply(hindrance);
    const problem = removeFromDisk(path);
    if (problem !== undefined && problem.code !== 'ENOENT') return session.reply(problem.message);
  }
  session.recordReceived(file, undefined, true);
  session.reply(replies.finished);
}
