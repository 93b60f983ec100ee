import type { TransferCommand } from '../../protocol/commands.ts';
import { replies } from '../../protocol/replies.ts';
import { admit, type Subject } from '../admission.ts';
import { remove } from './remove.ts';

/** XDEL: away with it. What is not there, or only behind a link, is nobody's conflict. */
export function transferDeletion(subject: Subject, { file, force }: Extract<TransferCommand, { name: 'XDEL' }>): void {
  const { session, found } = subject;
  if (!force && found.state !== 'present') {
    return session.reply(found.state === 'parent-missing' ? replies.parentMissing : replies.notFound);
  }
  const check = admit(subject, force);
  if (check !== undefined) remove(session, file, check);
}
