import type { DiskPath } from '../../bytes/bytes.ts';
import { Problem } from '../../filesystem/problem.ts';
import { type Staged, stageDirectory, stageLink, stageSpecial } from '../../filesystem/staged.ts';
import type { FileCommand } from '../../protocol/commands.ts';
import { replies } from '../../protocol/replies.ts';
import type { FileCheck } from '../../scan/checkFile.ts';
import { isFilledDirectory } from '../../filesystem/isFilledDirectory.ts';
import { Replacement } from '../replacement.ts';
import type { Session } from '../session.ts';

export type MakeCommand = Extract<FileCommand, { name: 'MKDIR' | 'MKCHR' | 'MKBLK' | 'MKFIFO' | 'MKLINK' | 'MKSOCK' }>;

/** MK*: everything but regular files. It is put in place when its owner, mode and time have come too. */
export function make(session: Session, request: MakeCommand, check: FileCheck): void {
  const path = session.cluster.toDisk(request.file);
  if (path === undefined) return session.reply(replies.denied);
  if (check.found.state === 'impure') return session.reply(replies.linkInTheWay);
  if (check.found.state === 'parent-missing') return refuse(session, request, replies.parentMissing);
  const there = check.found.state === 'present' ? check.found.entry : undefined;
  if (request.name === 'MKDIR' && there?.kind === 'dir') {
    session.recordReceived(request.file, there, true);
    return session.reply(replies.finished);
  }
  // Peers send sockets only if they are C programs, and expect nothing to be made.
  if (request.name === 'MKSOCK') return session.reply(replies.finished);
  if (there?.kind === 'dir' && isFilledDirectory(path)) return refuse(session, request, 'Directory not empty');
  const staged = stage(path, request);
  if (staged instanceof Problem) return refuse(session, request, staged.message);
  const target = request.name === 'MKLINK' ? request.target : '';
  session.replacement = new Replacement(request.file, path, staged, check.found, target);
  session.reply(replies.finished);
}

function refuse(session: Session, request: MakeCommand, reply: string): void {
  session.refused = request.file;
  session.reply(reply);
}

function stage(path: DiskPath, request: Exclude<MakeCommand, { name: 'MKSOCK' }>): Staged | Problem {
  switch (request.name) {
    case 'MKDIR':
      return stageDirectory(path);
    case 'MKLINK':
      return stageLink(path, request.target);
    case 'MKFIFO':
      return stageSpecial(path, 'fifo', 0);
    case 'MKCHR':
      return stageSpecial(path, 'chr', request.device ?? 0);
    case 'MKBLK':
      return stageSpecial(path, 'blk', request.device ?? 0);
  }
}
