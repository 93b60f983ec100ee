import type { FileName } from '../../bytes/bytes.ts';
import { wireChecktxt } from '../../entry/checktxt.ts';
import { inspect } from '../../filesystem/inspect.ts';
import { openFile, type OpenFile } from '../../filesystem/openFile.ts';
import { Problem } from '../../filesystem/problem.ts';
import { signatureLength, signFile } from '../../librsync/index.ts';
import { formatBlobHeader } from '../../protocol/blobs.ts';
import { noChecktxt, replies } from '../../protocol/replies.ts';
import type { Session } from '../session.ts';
import { signatureOf } from '../signed.ts';

/** Files up to this size are signed at once; larger ones piece by piece, so that other sessions go on. */
export const smallFile = 1 << 20;

/** SIG: what stands here, as checktxt without time, and the signature of a regular file's content. */
export async function signature(session: Session, file: FileName): Promise<void> {
  const path = session.cluster.toDisk(file);
  if (path === undefined) return session.reply(replies.denied);
  const found = inspect(path);
  switch (found.state) {
    case 'absent':
      return nothing(session, replies.pathNotFound);
    case 'impure':
      return nothing(session, replies.notFound);
    case 'parent-missing':
      return session.reply(replies.parentMissing);
    case 'error':
      return session.reply(found.problem.message);
    case 'present':
      break;
  }
  if (found.entry.kind !== 'reg') {
    session.reply(replies.dataFollows);
    session.reply(wireChecktxt(found.entry, session.ignored));
    session.reply(formatBlobHeader(0));
    return session.reply(replies.finished);
  }
  const open = openFile(path);
  if (open instanceof Problem) return session.reply(open.message);
  try {
    session.reply(replies.dataFollows);
    session.reply(wireChecktxt(open.entry, session.ignored));
    await sendSignature(session, open);
    session.reply(replies.finished);
  } finally {
    open.close();
  }
}

function nothing(session: Session, reply: string): void {
  session.reply(reply);
  session.reply(noChecktxt);
  session.reply(formatBlobHeader(0));
  session.reply(replies.finished);
}

/** The signature blob of an open file. One that shrinks meanwhile is signed as if zeros followed: it matches nothing. */
export async function sendSignature(session: Session, open: OpenFile): Promise<void> {
  const { size } = open.entry;
  if (size <= smallFile) {
    const bytes = signFile(open.fd, size);
    session.reply(formatBlobHeader(bytes.length));
    return session.replyBytes(bytes);
  }
  session.reply(formatBlobHeader(signatureLength(size)));
  for await (const chunk of signatureOf(open)) {
    session.replyBytes(chunk);
    await session.flush();
  }
}
