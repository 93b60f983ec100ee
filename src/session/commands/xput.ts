import type { Attributes, TransferCommand } from '../../protocol/commands.ts';
import { replies } from '../../protocol/replies.ts';
import { messageFor } from '../../filesystem/problem.ts';
import { stageFile } from '../../filesystem/staged.ts';
import { keep, hasAttributes, readContent } from '../presence.ts';
import { place } from '../placing.ts';
import { admit, type Subject } from '../admission.ts';
import type { Session } from '../session.ts';

/** XPUT: a regular file with all its content. */
export function transferContent(
  subject: Subject,
  { attributes, force }: Extract<TransferCommand, { name: 'XPUT' }>,
  content: Uint8Array,
): void {
  const { session, found } = subject;
  if (found.state === 'impure') return session.reply(replies.linkInTheWay);
  if (found.state === 'parent-missing') return session.reply(replies.parentMissing);
  if (content.length > session.largestFile) return session.reply(messageFor('EFBIG'));
  if (!force && isThere(subject, attributes, content)) return keep(subject, attributes);
  if (admit(subject, force) === undefined) return;
  placeContent(subject, attributes, content);
}

/** Puts a new file with this content and metadata where the old one is, in one step. */
export function placeContent(subject: Subject, attributes: Attributes, content: Uint8Array): void {
  place(subject, attributes, () => stageFile(subject.path, firstMode(subject.session, attributes)), { content });
}

/** A file of root's that everybody may read gives nothing away by being so from the beginning, which saves setting it. */
function firstMode({ ignored }: Session, { mode, uid, gid }: Attributes): number | undefined {
  const isOpen = (mode & 0o044) === 0o044 && (mode & 0o7022) === 0;
  return isOpen && !ignored.mod && uid === own.uid && gid === own.gid ? mode & 0o777 : undefined;
}

const own = { uid: process.geteuid?.(), gid: process.getegid?.() };

function isThere(subject: Subject, attributes: Attributes, content: Uint8Array): boolean {
  const { session, found, path } = subject;
  if (found.state !== 'present' || found.entry.kind !== 'reg' || found.entry.size !== content.length) return false;
  if (!hasAttributes(session, found.entry, attributes)) return false;
  const here = readContent(path, found.entry);
  return here !== undefined && Buffer.compare(here, content) === 0;
}
