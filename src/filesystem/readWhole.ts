import fs from 'node:fs';
import type { DiskPath } from '../bytes/bytes.ts';
import type { Entry } from '../entry/entry.ts';
import { withParent } from './parent.ts';
import { Problem } from './problem.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = fs.constants;

/**
 * Reads all of a regular file that was just inspected into the beginning of `buffer`, which must have room for it. The content
 * is what belongs to `entry`: a file that anybody touched since, or while it was read, is a Problem `CHANGED`.
 */
export function readWhole(path: DiskPath, entry: Entry, buffer: Uint8Array): Uint8Array | Problem {
  return withParent(path, (parent) => {
    const fd = fs.openSync(parent.at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    try {
      let filled = 0;
      while (filled < entry.size) {
        const count = fs.readSync(fd, buffer, filled, entry.size - filled, null);
        if (count === 0) break;
        filled += count;
      }
      const now = fs.fstatSync(fd, { bigint: true });
      const intact = filled === entry.size && now.ino === entry.inode && now.ctimeNs === entry.changeTimeNs;
      return intact ? buffer.subarray(0, filled) : new Problem('CHANGED', path, 'changed while it was read');
    } finally {
      fs.closeSync(fd);
    }
  });
}
