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
  const reply = await update.ask({ name: 'PATCH', key, file }, patchReply);
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
  if (trouble !== undefined) return { outcome: 'trouble', problem: trouble };
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

/** A file that turns out shorter than announced leaves the stream out of step: then the connection has to end. */
async function sendDelta(update: FileUpdate, plan: DeltaPlan, open: OpenFile): Promise<Problem | undefined> {
  const { conversation } = update;
  try {
    for (const chunk of plan.chunks(open.fd)) {
      if (!conversation.send(chunk)) await conversation.drained();
    }
    return undefined;
  } catch (error) {
    const problem = asProblem(error, open);
    update.run.line.hangUp();
    return problem;
  }
}

function asProblem(error: unknown, open: OpenFile): Problem {
  if (error instanceof LibrsyncError) return new Problem('CHANGED', open.path, 'changed while it was sent');
  return problemFrom(error, open.path);
}
