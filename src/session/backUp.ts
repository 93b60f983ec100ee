import { keepGeneration } from '../backups/keepGeneration.ts';
import type { DiskPath, FileName } from '../bytes/bytes.ts';
import type { Entry } from '../entry/entry.ts';
import { Problem } from '../filesystem/problem.ts';
import { backupFailed } from '../protocol/replies.ts';
import type { Session } from './session.ts';

/**
 * Keeps a generation of a regular file wherever the configuration wants one, before it is replaced or removed. What goes wrong
 * with the backup is told as that: it says nothing about the file, such as that it is gone.
 */
export function backUp(session: Session, file: FileName, path: DiskPath, entry: Entry): Problem | undefined {
  if (entry.kind !== 'reg') return undefined;
  for (const backup of session.cluster.backupsFor(file)) {
    const problem = keepGeneration(path, backup);
    if (problem !== undefined) {
      session.log.error(`Backup of ${file} in ${backup.directory}: ${problem.message}`);
      return new Problem('BACKUP_FAILED', problem.path, backupFailed(problem.message));
    }
  }
  return undefined;
}
