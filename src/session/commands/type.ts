import type { FileName } from '../../bytes/bytes.ts';
import { openFile } from '../../filesystem/openFile.ts';
import { Problem } from '../../filesystem/problem.ts';
import { replies } from '../../protocol/replies.ts';
import type { Session } from '../session.ts';

/** TYPE: the content as it is, its end told by the end of the connection. Nothing for what is no regular file. */
export async function type(session: Session, file: FileName): Promise<void> {
  const path = session.cluster.toDisk(file);
  if (path === undefined) return session.reply(replies.denied);
  session.reply(replies.dataFollows);
  const open = openFile(path);
  if (!(open instanceof Problem)) {
    try {
      for (let position = 0; ;) {
        const buffer = Buffer.allocUnsafe(64 << 10);
        const count = open.read(buffer, position);
        if (count instanceof Problem) session.log.error(`${file}: ${count.message}`);
        if (count instanceof Problem || count === 0) break;
        position += count;
        session.replyBytes(buffer.subarray(0, count));
        await session.flush();
      }
    } finally {
      open.close();
    }
  }
  session.hangUp();
}
