import type { FileName } from '../../bytes/bytes.ts';
import { replies } from '../../protocol/replies.ts';
import { checkFile } from '../../scan/checkFile.ts';
import type { Session } from '../session.ts';

/** FLUSH: the peer won a conflict. The row becomes what is on disk, and nobody here wants to push the file any more. */
export async function flush(session: Session, file: FileName): Promise<void> {
  const { cluster, store, ignored } = session;
  const check = await checkFile(cluster, store, ignored, file);
  if (check.found.state === 'error') return session.reply(check.found.problem.message);
  session.announce(file, check.changes);
  session.record([...check.changes, { type: 'clearAllDirty', name: check.name }]);
  session.reply(replies.finished);
}
