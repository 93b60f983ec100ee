import { setTimeout as sleep } from 'node:timers/promises';
import type { DiskPath } from '../bytes/bytes.ts';
import { sleepSync } from '../bytes/sleepSync.ts';
import { clockLag } from '../entry/young.ts';
import { type OpenFile, openFile } from './openFile.ts';
import { Problem } from './problem.ts';

/**
 * The kernel's clock for files stands still for some milliseconds, in which a file can be changed again without a new stamp.
 * Waits until these have passed for one that was changed just now: from then on a stamp that stays the same tells that nothing
 * was changed. True when there was something to wait for. `changeTimeNs`: ctime of the file.
 */
export function letSettle(changeTimeNs: bigint): boolean {
  const wait = unsettledFor(changeTimeNs);
  if (wait > 0) sleepSync(wait);
  return wait > 0;
}

/** The same while others go on. */
export async function settled(changeTimeNs: bigint): Promise<void> {
  const wait = unsettledFor(changeTimeNs);
  if (wait > 0) await sleep(wait);
}

/** Milliseconds. */
function unsettledFor(changeTimeNs: bigint): number {
  const age = Date.now() - Number(changeTimeNs / 1_000_000n);
  // Another host's clock may be far ahead, for years.
  return age < -clockLag ? 0 : Math.max(clockLag - age, 0);
}

/** `openFile` for a file that must not change while it is read, which `unchanged` then tells for certain. Problem `CHANGED`: it never stops. */
export function openSettled(path: DiskPath): OpenFile | Problem {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const open = openFile(path);
    if (open instanceof Problem || !letSettle(open.entry.changeTimeNs)) return open;
    open.close();
  }
  return new Problem('CHANGED', path, 'changed while it was read');
}

const attempts = 5;
