import type { OpenFile } from '../filesystem/openFile.ts';
import { Problem, problemFrom } from '../filesystem/problem.ts';
import {
  type DeltaPlan,
  EMPTY_SIGNATURE,
  LibrsyncError,
  planDelta,
  planDeltaSync,
  type Signature,
} from '../librsync/index.ts';
import { blobUnavailable, formatBlobHeader } from '../protocol/blobs.ts';
import type { FileUpdate } from './fileUpdate.ts';
import { patchReply, type Status, status } from './replies.ts';

export type Sent =
  /** Content and metadata are out; these are the replies to come. */
  | { readonly outcome: 'sent'; readonly replies: readonly Promise<Status>[] }
  | { readonly outcome: 'refused'; readonly status: Status }
  | { readonly outcome: 'trouble'; readonly problem: Problem };

const smallFile = 1 << 20;

/**
 * PATCH: the peer's signature comes in, the delta goes out, and owner, mode and time go out with it without waiting. The
 * delta waits for `OK (send_data)`, because a peer that refuses would read it as commands.
 */
export async function sendContent(update: FileUpdate, open: OpenFile): Promise<Sent> {
  const { key, name: file } = update.file;
  const asked = update.ask({ name: 'PATCH', key, file }, patchReply);
  update.conversation.flush();
  const reply = await asked;
  if (!reply.status.ok) return { outcome: 'refused', status: reply.status };
  const plan = await makePlan(reply.signature ?? EMPTY_SIGNATURE, open);
  const { conversation } = update;
  if (plan instanceof Problem) {
    // The peer waits for a blob and has to be told that none comes; what it answers is of no interest.
    await conversation.askAfter(blobUnavailable + '\n', status);
    return { outcome: 'trouble', problem: plan };
  }
  const applied = conversation.askAfter(formatBlobHeader(plan.byteLength) + '\n', status);
  const trouble = await sendDelta(update, plan, open);
  if (trouble !== undefined) {
    // The peer refuses it, or the connection has ended: both say nothing that we do not know.
    await Promise.allSettled([applied]);
    return { outcome: 'trouble', problem: trouble };
  }
  const replies = [applied, update.setOwner(open.entry), update.setMode(open.entry), update.setTime(open.entry)];
  return { outcome: 'sent', replies };
}

async function makePlan(signature: Signature, open: OpenFile): Promise<DeltaPlan | Problem> {
  const { size } = open.entry;
  try {
    return size <= smallFile ? planDeltaSync(signature, open.fd, size) : await planDelta(signature, open.fd, size);
  } catch (error) {
    return asProblem(error, open);
  }
}

/**
 * The delta of a file that does not keep still is spoiled: as long as announced, so that the stream stays in step, but no delta
 * to its end. The peer refuses it and keeps what it has. C programs would leave a temporary file behind: they get what there
 * is, and the row stays dirty; when the file has become too short, the connection has to end.
 */
async function sendDelta(
  { conversation, run, file }: FileUpdate,
  plan: DeltaPlan,
  open: OpenFile,
): Promise<Problem | undefined> {
  const refuses = run.line.extensions.has('xput');
  let left = plan.byteLength;
  let problem: Problem | undefined;
  try {
    for (const chunk of plan.chunks(open.fd)) {
      left -= chunk.length;
      if (left === 0 && refuses && !open.unchanged()) {
        problem = new Problem('CHANGED', open.path, changed);
        chunk[chunk.length - 1] = noCommand;
      }
      if (!conversation.send(chunk)) await conversation.drained();
    }
  } catch (error) {
    problem = asProblem(error, open);
    if (!refuses || left > mostFiller) run.breakOff(file);
    else if (left > 0) conversation.send(Buffer.alloc(left, noCommand));
  }
  return problem;
}

/** A byte that is no command of a delta. */
const noCommand = 0xff;

/** Where more is missing, another connection costs less. */
const mostFiller = 16 << 20;

const changed = 'changed while it was sent';

function asProblem(error: unknown, open: OpenFile): Problem {
  if (error instanceof LibrsyncError) return new Problem('CHANGED', open.path, changed);
  return problemFrom(error, open.path);
}
