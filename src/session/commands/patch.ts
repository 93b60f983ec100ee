import { setImmediate } from 'node:timers/promises';
import type { DiskPath, FileName } from '../../bytes/bytes.ts';
import { freeSpace } from '../../filesystem/freeSpace.ts';
import { type OpenFile, openFile } from '../../filesystem/openFile.ts';
import { messageFor, Problem, problemFrom } from '../../filesystem/problem.ts';
import { type Staged, stageFile } from '../../filesystem/staged.ts';
import { LibrsyncError, Patcher } from '../../librsync/index.ts';
import { formatBlobHeader, parseBlobHeader } from '../../protocol/blobs.ts';
import { redact } from '../../protocol/redact.ts';
import { replies } from '../../protocol/replies.ts';
import type { FileCheck } from '../../scan/checkFile.ts';
import { isFilledDirectory } from '../../filesystem/isFilledDirectory.ts';
import { Replacement } from '../replacement.ts';
import type { Session } from '../session.ts';
import { sendSignature } from './signature.ts';

/** What the C program sends for a file that is not there: a header with strong length 8 and no blocks. */
const emptySignature = Uint8Array.of(0x72, 0x73, 0x01, 0x36, 0, 0, 8, 0, 0, 0, 0, 8);

/** PATCH: our signature goes out, a delta against it comes in and is applied to a new file beside the old one. */
export async function patch(session: Session, file: FileName, check: FileCheck): Promise<void> {
  const { found } = check;
  const path = session.cluster.toDisk(file);
  if (path === undefined) return session.reply(replies.denied);
  if (found.state === 'impure') return session.reply(replies.linkInTheWay);
  if (found.state === 'parent-missing') return session.reply(replies.parentMissing);
  if (found.state === 'present' && found.entry.kind === 'dir' && isFilledDirectory(path)) {
    return session.reply(messageFor('ENOTEMPTY'));
  }
  const basis = found.state === 'present' && found.entry.kind === 'reg' ? openFile(path) : undefined;
  if (basis instanceof Problem) return session.reply(basis.message);
  const staged = stageFile(path);
  if (staged instanceof Problem) {
    basis?.close();
    return session.reply(staged.message);
  }
  let kept = false;
  try {
    const trouble = await receive(session, path, basis, staged);
    if (trouble === undefined) {
      session.replacement = new Replacement(file, path, staged, found);
      kept = true;
    } else {
      session.refused = file;
    }
    session.reply(trouble ?? replies.finished);
  } finally {
    basis?.close();
    if (!kept) staged.discard();
  }
}

/** Signature out, delta in. The reply line that refuses it, or undefined when `staged` has the new content. */
async function receive(
  session: Session,
  path: DiskPath,
  basis: OpenFile | undefined,
  staged: Staged,
): Promise<string | undefined> {
  session.reply(replies.sendData);
  if (basis === undefined) {
    session.reply(formatBlobHeader(emptySignature.length));
    session.replyBytes(emptySignature);
  } else {
    await sendSignature(session, basis);
  }
  // The peer needs it for its delta. One that sends that all the same would have others wait for what it has put in place before.
  await session.flush();
  const header = await session.line();
  const length = header === undefined ? undefined : parseBlobHeader(header);
  if (length === undefined || length === 'MALFORMED' || length === 'TOO_LARGE') {
    throw new BlobError(
      `expected a delta, got ${header === undefined ? 'the end of the stream' : `'${redact(header)}'`}`,
    );
  }
  if (typeof length === 'string') return 'The peer could not make a delta.';
  const found = freeSpace(path);
  const space = found instanceof Problem ? Infinity : found;
  const basisSize = basis?.entry.size ?? 0;
  const room = space + basisSize;
  const maxSize = Math.min(room, session.largestFile, Number.MAX_SAFE_INTEGER);
  const patcher = new Patcher({ basis: basis?.fd, basisSize, output: staged.fd, maxSize });
  const trouble = await applyDelta(session, path, patcher, length, length > space ? messageFor('ENOSPC') : undefined);
  return trouble === tooLarge ? messageFor(maxSize < room ? 'EFBIG' : 'ENOSPC') : trouble;
}

/** Takes exactly `length` bytes off the stream, also when they are of no use any more, so that it stays in step. */
async function applyDelta(
  session: Session,
  path: DiskPath,
  patcher: Patcher,
  length: number,
  refusal: string | undefined,
): Promise<string | undefined> {
  let trouble = refusal;
  for (let missing = length; missing > 0;) {
    const bytes = await session.bytes(Math.min(missing, 1 << 20));
    missing -= bytes.length;
    trouble ??= await attemptDelta(path, () => push(patcher, bytes));
  }
  return trouble ?? (await attemptDelta(path, () => void patcher.finish()));
}

/** Other sessions go on while a delta of a few bytes copies a large file. */
async function push(patcher: Patcher, bytes: Uint8Array): Promise<void> {
  const steps = patcher.steps(bytes);
  while (steps.next().done !== true) await setImmediate();
}

/** Stands for a result that has no room, or may not have it. */
const tooLarge = 'too large';

async function attemptDelta(path: DiskPath, step: () => Promise<void> | void): Promise<string | undefined> {
  try {
    await step();
    return undefined;
  } catch (error) {
    if (error instanceof LibrsyncError && error.code === 'TOO_LARGE') return tooLarge;
    if (error instanceof LibrsyncError) return `Invalid delta: ${error.message}`;
    return problemFrom(error, path).message;
  }
}

/** The peer's bytes can no longer be told apart: the session has to end. */
class BlobError extends Error {
  readonly code = 'OUT_OF_STEP';
}
