import { keepGeneration } from '../backups/keepGeneration.ts';
import type { DiskPath, FileName } from '../bytes/bytes.ts';
import type { Entry } from '../entry/entry.ts';
import type { Problem } from '../filesystem/problem.ts';
import type { Session } from './session.ts';

/** Keeps a generation of a regular file wherever the configuration wants one, before it is replaced or removed. */
export function backUp(session: Session, file: FileName, path: DiskPath, entry: Entry): Problem | undefined {
  if (entry.kind !== 'reg') return undefined;
  for (const backup of session.cluster.backupsFor(file)) {
    const problem = keepGeneration(path, backup);
    if (problem !== undefined) {
      session.log.error(`Backup of ${file} in ${backup.directory}: ${problem.message}`);
      return problem;
    }
  }
  return undefined;
}
