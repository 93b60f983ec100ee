import { copyGeneration, type Generation } from '../backups/generation.ts';
import type { DiskPath, FileName } from '../bytes/bytes.ts';
import { inspect, type Inspection } from '../filesystem/inspect.ts';
import { Problem } from '../filesystem/problem.ts';
import { backupFailed, replies } from '../protocol/replies.ts';
import type { Session } from './session.ts';
import { isUntouched } from './untouched.ts';

/**
 * Keeps a generation of a regular file wherever the configuration wants one, before it is replaced or removed: `now` is what was
 * found a moment ago. A string is the reply that refuses it. What goes wrong with the backup is told as that: it says nothing
 * about the file, such as that it is gone.
 */
export function backUp(session: Session, file: FileName, path: DiskPath, now: Inspection): string | undefined {
  if (now.state !== 'present' || now.entry.kind !== 'reg') return undefined;
  const backups = session.cluster.backupsFor(file);
  if (backups.length === 0) return undefined;
  const copies: Generation[] = [];
  try {
    for (const backup of backups) {
      const copy = copyGeneration(path, backup);
      if (copy instanceof Problem) return failed(session, file, backup.directory, copy);
      if (copy !== undefined) copies.push(copy);
    }
    // To copy it takes a while, in which somebody may have changed it. To move older generations on does not, but changes the
    // file too where one is another name of it, or would be in its place.
    if (!isUntouched(now, inspect(path))) return replies.overtaken;
    for (const copy of copies) {
      const problem = copy.keep();
      if (problem !== undefined) return failed(session, file, copy.directory, problem);
    }
    return undefined;
  } finally {
    for (const copy of copies) copy.discard();
  }
}

function failed(session: Session, file: FileName, directory: string, { message }: Problem): string {
  session.log.error(`Backup of ${file} in ${directory}: ${message}`);
  return backupFailed(message);
}
