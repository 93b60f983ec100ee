import fs from 'node:fs';
import { type DiskPath, fsPath } from '../bytes/bytes.ts';

/**
 * True for a directory with something in it, so that a peer can be refused before it sends content that could never
 * be put there. Only a hint: the rename decides.
 */
export function isFilledDirectory(path: DiskPath): boolean {
  let directory: fs.Dir;
  try {
    directory = fs.opendirSync(fsPath(path));
  } catch {
    // Not a directory any more, or not readable: the rename will tell.
    return false;
  }
  try {
    return directory.readSync() !== null;
  } finally {
    directory.closeSync();
  }
}
