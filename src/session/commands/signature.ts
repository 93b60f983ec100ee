import type { FileName } from '../../bytes/bytes.ts';
import { wireChecktxt } from '../../entry/checktxt.ts';
import { inspect } from '../../filesystem/inspect.ts';
import { openFile, type OpenFile } from '../../filesystem/openFile.ts';
import { Problem, problemFrom } from '../../filesystem/problem.ts';
import { settled } from '../../filesystem/settle.ts';
import { LibrsyncError, signatureLength, signFile } from '../../librsync/index.ts';
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
    session.compared = { file, found };
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
    session.compared = { file, found: { state: 'present', entry: open.entry } };
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

/** The signature blob of an open file. What is done to that from now on changes its stamp. */
export async function sendSignature(session: Session, open: OpenFile): Promise<void> {
  const { size, changeTimeNs } = open.entry;
  await settled(changeTimeNs);
  session.reply(formatBlobHeader(signatureLength(size)));
  const report = (problem: Problem): void => session.log.error(problem.toString());
  for await (const chunk of wholeSignature(open, report)) {
    session.replyBytes(chunk);
    if (size > smallFile) await session.flush();
  }
}

/**
 * What cannot be read, and what a file that shrinks meanwhile has lost, is signed with zeros, which match nothing: so the peer
 * sends it. The header is whole in any case: a C peer makes no delta without one.
 */
async function* wholeSignature(
  open: OpenFile,
  report: (problem: Problem) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { size } = open.entry;
  const length = signatureLength(size);
  let missing = length;
  try {
    const chunks = size > smallFile ? signatureOf(open) : [signFile(open.fd, size)];
    for await (const chunk of chunks) {
      missing -= chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof LibrsyncError)) report(problemFrom(error, open.path));
  }
  if (missing === length) {
    const header = signFile(open.fd, 0);
    missing -= header.length;
    yield header;
  }
  for (; missing > 0; missing -= filler.length) yield filler.subarray(0, missing);
}

const filler = new Uint8Array(1 << 16);
