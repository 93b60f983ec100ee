import { keepGeneration } from '../backups/keepGeneration.ts';
import type { DiskPath, FileName } from '../bytes/bytes.ts';
import { inspect, type Inspection } from '../filesystem/inspect.ts';
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
  for (const backup of backups) {
    const problem = keepGeneration(path, backup);
    if (problem !== undefined) {
      session.log.error(`Backup of ${file} in ${backup.directory}: ${problem.message}`);
      return backupFailed(problem.message);
    }
  }
  // To copy it takes a while, in which somebody may have changed it.
  return isUntouched(now, inspect(path)) ? undefined : replies.overtaken;
}
