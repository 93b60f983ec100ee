import type { Entry } from '../entry/entry.ts';
import { Problem } from '../filesystem/problem.ts';
import { readWhole } from '../filesystem/readWhole.ts';
import { inspect } from '../filesystem/inspect.ts';
import { letSettle } from '../filesystem/settle.ts';
import type { TransferCommand, WantedObject } from '../protocol/commands.ts';
import { contentDigest, contentLimit } from '../protocol/contentDigest.ts';
import { formatCommand } from '../protocol/formatCommand.ts';
import { requestLineLimit } from '../protocol/inbox.ts';
import type { DirtyFile } from './dirtyFiles.ts';

/** One request as it goes out. `content` is only good until the next one is made. */
export interface TransferRequest {
  readonly line: string;
  readonly content: Uint8Array | undefined;
  /** What the peer is to have: our object as it was read; undefined: nothing. */
  readonly entry: Entry | undefined;
}

/** Content up to this size is never worth a question of its own. */
const tiny = 256;
/** Content up to this size is sent on suspicion. */
const speculative = 64 << 10;

const scratch = Buffer.allocUnsafeSlow(contentLimit);

/** True for files that go by SIG and PATCH: hashing and sending them whole would hold up everything else. */
export function isLarge({ found }: DirtyFile): boolean {
  return found.state === 'present' && found.entry.kind === 'reg' && found.entry.size > contentLimit;
}

export function deletionRequest(file: DirtyFile, force: boolean): TransferRequest | Problem {
  return finish({ name: 'XDEL', key: file.key, file: file.name, force }, undefined, file, undefined);
}

/** How content is to be sent: on suspicion, or named only. `whole`: because the peer needs it. */
export type Manner = 'guess' | 'name' | 'whole';

/**
 * The request that makes the peer's object like ours as it is now. Problems with our own file; `CHANGED` when it does not
 * keep still.
 */
export function changeRequest(
  file: DirtyFile,
  entry: Entry,
  force: boolean,
  manner: Manner,
): TransferRequest | Problem {
  if (entry.kind !== 'reg') return objectRequest(file, entry, force, otherObject(entry));
  let current = entry;
  for (let attempt = 1; ; attempt++) {
    if (current.kind !== 'reg' || current.size > contentLimit) return new Problem('CHANGED', file.path, changed);
    letSettle(current.changeTimeNs);
    const content = readWhole(file.path, current, scratch);
    if (!(content instanceof Problem)) return contentRequest(file, current, force, manner, content);
    if (content.code !== 'CHANGED' || attempt === attempts) return content;
    const found = inspect(file.path);
    if (found.state !== 'present') return content;
    current = found.entry;
  }
}

const attempts = 3;
const changed = 'changed while it was sent';

function contentRequest(
  file: DirtyFile,
  entry: Entry,
  force: boolean,
  manner: Manner,
  content: Uint8Array,
): TransferRequest | Problem {
  const send = force || manner === 'whole' || content.length <= (manner === 'guess' ? speculative : tiny);
  if (send)
    return finish({ name: 'XPUT', key: file.key, file: file.name, force, attributes: entry }, content, file, entry);
  return objectRequest(file, entry, force, { kind: 'reg', size: content.length, digest: contentDigest(content) });
}

function objectRequest(file: DirtyFile, entry: Entry, force: boolean, object: WantedObject): TransferRequest | Problem {
  return finish(
    { name: 'XSET', key: file.key, file: file.name, force, attributes: entry, object },
    undefined,
    file,
    entry,
  );
}

function finish(
  command: TransferCommand,
  content: Uint8Array | undefined,
  file: DirtyFile,
  entry: Entry | undefined,
): TransferRequest | Problem {
  const line = formatCommand(command);
  return line.length >= requestLineLimit ? new Problem('ENAMETOOLONG', file.path) : { line, content, entry };
}

function otherObject(entry: Entry): WantedObject {
  switch (entry.kind) {
    case 'dir':
    case 'fifo':
      return { kind: entry.kind };
    case 'lnk':
      return { kind: 'lnk', target: entry.target };
    case 'chr':
    case 'blk':
      return { kind: entry.kind, device: entry.device };
    case 'reg':
    case 'sock':
      throw new Error(`${entry.kind} is not sent as an object without content`);
  }
}
