import { LibrsyncError, type Signature, SignatureReader } from '../librsync/index.ts';
import { parseBlobHeader } from '../protocol/blobs.ts';
import type { Inbox } from '../protocol/inbox.ts';
import { classifyReply, isOk, type ReplyKind } from '../protocol/replies.ts';
import { parseNumberLine } from '../protocol/values.ts';
import { printable } from '../log/printable.ts';
import { ConversationError } from './conversationError.ts';

type Parsing<T> = Generator<undefined, T, undefined>;

/** One reply line and what it means. */
export interface Status {
  readonly kind: ReplyKind;
  readonly ok: boolean;
  readonly line: string;
}

/** The answer to SIG. */
export interface SignatureReply {
  readonly status: Status;
  /** `undefined` when the peer has no such file. */
  readonly checktxt: string | undefined;
  /** Undefined when there is none or it was not worth keeping. */
  readonly signature: Uint8Array | undefined;
}

/** The answer to GETTM and GETSZ. */
export interface FigureReply {
  readonly status: Status;
  readonly value: number | undefined;
}

/** The answer to PATCH up to where our delta is due. */
export interface PatchReply {
  readonly status: Status;
  /** Undefined when refused, or when what came is no signature. */
  readonly signature: Signature | undefined;
}

export function* line(inbox: Inbox): Parsing<string> {
  for (;;) {
    const text = inbox.tryLine();
    if (text !== undefined) return text;
    yield;
  }
}

export function* status(inbox: Inbox): Parsing<Status> {
  return statusOf(yield* line(inbox));
}

/**
 * The answer to SYNC. A peer that cannot bring what it was sent to its disk is sent no more: its refusal ends the
 * conversation, as garbage does.
 */
export function* onDisk(inbox: Inbox): Parsing<void> {
  const answer = yield* status(inbox);
  if (!answer.ok) throw new ConversationError('REFUSED', `SYNC command failed. (${answer.line})`);
}

/** Peers are not to write to our terminal or log as they please. */
export function statusOf(text: string): Status {
  return { kind: classifyReply(text), ok: isOk(text), line: printable(text) };
}

/** Whatever comes next. */
export function* moreBytes(inbox: Inbox): Parsing<Uint8Array> {
  for (;;) {
    const bytes = inbox.tryBytes(64 << 10);
    if (bytes !== undefined) return bytes;
    yield;
  }
}

/** Some rows of a LIST answer as one text, `checktxt TAB name NEWLINE` each; the last step comes with the closing status. */
export interface ListStep {
  readonly lines: string;
  readonly end: Status | undefined;
}

/** What is there, or the end. Nothing else is asked before that has come, so that it is always the last line at hand. */
export function* listStep(inbox: Inbox): Parsing<ListStep> {
  for (;;) {
    const lines = inbox.tryLines();
    if (lines === undefined) {
      yield;
      continue;
    }
    const start = lines.lastIndexOf('\n', lines.length - 2) + 1;
    const text = lines.slice(start, -1);
    if (text.includes('\t') && !isOk(text)) return { lines, end: undefined };
    return { lines: lines.slice(0, start), end: statusOf(text) };
  }
}

/** `keep` says whether a signature of this length is worth keeping. */
export function signatureReply(keep: (length: number) => boolean) {
  return function* (inbox: Inbox): Parsing<SignatureReply> {
    const first = yield* status(inbox);
    if (!first.ok) return { status: first, checktxt: undefined, signature: undefined };
    const checktxt = yield* line(inbox);
    const pieces: Uint8Array[] = [];
    let wanted = false;
    const arrived = yield* blob(
      inbox,
      (length) => (wanted = keep(length)),
      (piece) => wanted && pieces.push(piece),
    );
    const signature = !arrived || !wanted ? undefined : pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
    const last = yield* status(inbox);
    return { status: last.ok ? first : last, checktxt: first.kind === 'dataFollows' ? checktxt : undefined, signature };
  };
}

export function* figureReply(inbox: Inbox): Parsing<FigureReply> {
  const first = yield* status(inbox);
  if (first.kind !== 'dataFollows') return { status: first, value: undefined };
  return { status: first, value: parseNumberLine(yield* line(inbox)) };
}

export function* patchReply(inbox: Inbox): Parsing<PatchReply> {
  const first = yield* status(inbox);
  if (!first.ok) return { status: first, signature: undefined };
  let reader: SignatureReader | undefined = new SignatureReader();
  const read = (step: (reader: SignatureReader) => Signature | void): Signature | undefined => {
    try {
      return (reader && step(reader)) ?? undefined;
    } catch (error) {
      // Not a signature that we can read: the file is sent whole.
      if (!(error instanceof LibrsyncError)) throw error;
      reader = undefined;
      return undefined;
    }
  };
  const arrived = yield* blob(
    inbox,
    () => undefined,
    (piece) => read((into) => into.push(piece)),
  );
  return { status: first, signature: arrived ? read((from) => from.finish()) : undefined };
}

/** Takes a blob off the stream; false when the peer says that it could not make one. */
function* blob(inbox: Inbox, begin: (length: number) => void, take: (piece: Uint8Array) => void): Parsing<boolean> {
  const header = yield* line(inbox);
  const length = parseBlobHeader(header);
  if (length === 'UNAVAILABLE' || length === 'IO_ERROR') return false;
  if (typeof length === 'string') throw new ConversationError('OUT_OF_STEP', `unexpected answer: ${printable(header)}`);
  begin(length);
  for (let missing = length; missing > 0;) {
    const piece = inbox.tryBytes(missing);
    if (piece === undefined) {
      yield;
      continue;
    }
    missing -= piece.length;
    take(piece);
  }
  return true;
}
