import { type BackupSettings, copyGeneration } from '../../src/backups/generation.ts';
import type { DiskPath } from '../../src/bytes/bytes.ts';
import { Problem } from '../../src/filesystem/problem.ts';

/** A copy that is kept at once. */
export function keepGeneration(path: DiskPath, settings: BackupSettings): Problem | undefined {
  const copy = copyGeneration(path, settings);
  return copy instanceof Problem ? copy : copy?.keep();
}
