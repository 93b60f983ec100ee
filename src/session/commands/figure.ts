import type { FileName } from '../../bytes/bytes.ts';
import { inspect } from '../../filesystem/inspect.ts';
import { replies } from '../../protocol/replies.ts';
import type { Session } from '../session.ts';

/** GETTM and GETSZ: modification time (seconds) or size (bytes) of whatever stands there, -1 when nothing does. */
export function figure(session: Session, what: 'GETTM' | 'GETSZ', file: FileName): void {
  const path = session.cluster.toDisk(file);
  const found = path === undefined ? undefined : inspect(path);
  session.reply(replies.dataFollows);
  if (found?.state !== 'present') return session.reply('-1');
  session.reply(String(what === 'GETTM' ? found.entry.mtime : found.entry.size));
}
