import fs from 'node:fs';
import type { DiskPath } from '../bytes/bytes.ts';
import { O_PATH, withParent } from './parent.ts';
import { Problem } from './problem.ts';

const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;

/**
 * True for a directory with something in it, so that a peer can be refused before it sends content that could never
 * be put there. Only a hint: the rename decides. Links are not followed. False for what is not a directory (any more) or
 * cannot be read: the rename will tell.
 */
export function isFilledDirectory(path: DiskPath): boolean {
  const filled = withParent(path, (parent) => {
    const fd = fs.openSync(parent.at, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    try {
      return hasEntries(`/proc/self/fd/${fd}`);
    } finally {
      fs.closeSync(fd);
    }
  });
  return filled instanceof Problem ? false : filled;
}

function hasEntries(path: string): boolean {
  const directory = fs.opendirSync(path, { encoding: 'latin1' as BufferEncoding });
  try {
    return directory.readSync() !== null;
  } finally {
    directory.closeSync();
  }
}
