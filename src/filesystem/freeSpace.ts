import fs from 'node:fs';
import type { DiskPath } from '../bytes/bytes.ts';
import { withParent } from './parent.ts';
import type { Problem } from './problem.ts';

/** Bytes that this process could still write to the filesystem that `path` is, or would be, in. Quotas are not known. */
export function freeSpace(path: DiskPath): number | Problem {
  return withParent(path, (parent) => {
    const { bsize, bfree, bavail } = fs.statfsSync(`/proc/self/fd/${parent.fd}`);
    // Blocks in reserve are for root only.
    return bsize * (process.geteuid?.() === 0 ? bfree : bavail);
  });
}
