import type { FileName } from '../../bytes/bytes.ts';
import { encode } from '../../bytes/urlEncoding.ts';
import { replies } from '../../protocol/replies.ts';
import { markDirtyBecauseOf } from '../../scan/marking.ts';
import type { Session } from '../session.ts';

/** MARK: the peer wants to hear of this file from us. */
export function mark(session: Session, file: FileName): void {
  const marks = markDirtyBecauseOf(session.cluster, session.peer, file, encode(file));
  session.announce(file, marks);
  session.record(marks);
  session.reply(replies.finished);
}
