import type { Entry } from '../../entry/entry.ts';
import { stageDirectory, stageLink, stageSpecial, type Staged } from '../../filesystem/staged.ts';
import { messageFor, type Problem } from '../../filesystem/problem.ts';
import type { TransferCommand, WantedObject } from '../../protocol/commands.ts';
import { contentDigest, contentLimit } from '../../protocol/contentDigest.ts';
import { replies } from '../../protocol/replies.ts';
import { hasAttributes, keep, readContent } from '../presence.ts';
import { place, setDirectory } from '../placing.ts';
import { admit, type Subject } from '../admission.ts';
import { placeContent } from './xput.ts';

type Request = Extract<TransferCommand, { name: 'XSET' }>;
type Regular = Extract<WantedObject, { kind: 'reg' }>;
type Other = Exclude<WantedObject, Regular>;

/** XSET: an object as described. A regular file only if its content is here already; otherwise the peer is told to send it. */
export function transferObject(subject: Subject, request: Request): void {
  const { session, found } = subject;
  if (found.state === 'impure') return session.reply(replies.linkInTheWay);
  if (found.state === 'parent-missing') return session.reply(replies.parentMissing);
  const { object } = request;
  if (object.kind === 'reg') transferKnownContent(subject, request, object);
  else transferOther(subject, request, object);
}

function transferKnownContent(subject: Subject, { attributes, force }: Request, object: Regular): void {
  const { session, found, path } = subject;
  if (object.size > session.largestFile) return session.reply(messageFor('EFBIG'));
  const there = found.state === 'present' && found.entry.kind === 'reg' ? found.entry : undefined;
  const content =
    there !== undefined && there.size === object.size && object.size <= contentLimit
      ? readContent(path, there)
      : undefined;
  const known = content !== undefined && contentDigest(content) === object.digest;
  if (!force && known && there !== undefined && hasAttributes(session, there, attributes)) {
    return keep(subject, attributes);
  }
  if (admit(subject, force) === undefined) return;
  if (known) placeContent(subject, attributes, content);
  else session.reply(there === undefined ? replies.pathNotFound : replies.sendData);
}

function transferOther(subject: Subject, { attributes, force }: Request, object: Other): void {
  const { session, found } = subject;
  const there = found.state === 'present' ? found.entry : undefined;
  if (!force && there !== undefined && isSuch(there, object) && hasAttributes(session, there, attributes)) {
    return keep(subject, attributes);
  }
  if (admit(subject, force) === undefined) return;
  if (object.kind === 'dir' && there?.kind === 'dir') return setDirectory(subject, attributes);
  place(subject, attributes, () => stage(subject, object), { target: object.kind === 'lnk' ? object.target : '' });
}

function isSuch(entry: Entry, object: Other): boolean {
  switch (object.kind) {
    case 'dir':
    case 'fifo':
      return entry.kind === object.kind;
    case 'lnk':
      return entry.kind === 'lnk' && entry.target === object.target;
    case 'chr':
    case 'blk':
      return entry.kind === object.kind && entry.device === object.device;
  }
}

function stage({ path }: Subject, object: Other): Staged | Problem {
  switch (object.kind) {
    case 'dir':
      return stageDirectory(path);
    case 'lnk':
      return stageLink(path, object.target);
    case 'fifo':
      return stageSpecial(path, 'fifo', 0);
    case 'chr':
    case 'blk':
      return stageSpecial(path, object.kind, object.device);
  }
}
