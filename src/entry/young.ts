import type { Entry } from './entry.ts';
import { wholeSeconds } from './fromStats.ts';

/**
 * Rows hold whole seconds. A file that is recorded within the second of its mtime can be changed once more in that second, and
 * with the same size looks as before. While that may be it is young, and its mtime to the nanosecond, its stamp, tells the two
 * apart.
 */
export interface Young {
  /** Nanoseconds since the epoch: `from <= mtime < to`. */
  readonly from: bigint;
  readonly to: bigint;
}

/** Milliseconds by which the kernel's clock for files may be behind, since it moves on in steps. */
export const clockLag = 20;
/** Milliseconds by which the clock of a network file system may be behind, or ours be set back before a file is changed again. */
const clockSkew = 1000;
const billion = 1_000_000_000n;
const aMinute = 60n * billion;

/**
 * What is young at `now`, in milliseconds since the epoch: of this second, the one before, and the next minute. Times of the
 * future proper mean nothing.
 */
export function youngAt(now: number): Young {
  const from = BigInt(Math.floor((now - clockLag - clockSkew) / 1000)) * billion;
  return { from, to: from + aMinute };
}

export function stampOf(entry: Entry): string {
  return String(nanosecondsOf(entry));
}

/** Its mtime, since the epoch. */
export function nanosecondsOf({ mtime, mtimeNanoseconds }: Entry): bigint {
  return BigInt(mtime) * billion + BigInt(mtimeNanoseconds);
}

/** The stamp of a file that was young when it was looked at, `young` being of before that. */
export function youngStamp(entry: Entry, { from, to }: Young): string | undefined {
  const time = nanosecondsOf(entry);
  return entry.kind === 'reg' && from <= time && time < to ? String(time) : undefined;
}

/** Is this file of the second that was noted of it, but not as it was noted? */
export function isChangedSince(noted: string, entry: Entry): boolean {
  return isStampOf(noted, entry) && stampOf(entry) !== noted;
}

/**
 * Can this be what a file system has kept when a file's mtime was set to these microseconds of its second? Its own times have no
 * more digits than those that are set.
 */
export function isSetTo(microseconds: number, { mtimeNanoseconds, changeTimeNs }: Entry): boolean {
  const found = Math.floor(mtimeNanoseconds / 1000);
  if (found === microseconds) return true;
  return coarseSteps.some((step) => {
    return found === microseconds - (microseconds % step) && changeTimeNs % BigInt(step * 1000) === 0n;
  });
}

/** What is lost of a time where not all is kept, in microseconds: FAT has hundredths of a second, others seconds. */
const coarseSteps = [1_000, 10_000, 1_000_000];

/** Can it be a stamp of this file, as it is now or as it was earlier in the same second? */
export function isStampOf(stamp: string, { kind, mtime }: Entry): boolean {
  return kind === 'reg' && secondOf(stamp) === BigInt(mtime);
}

export function secondOf(stamp: string): bigint {
  return wholeSeconds(BigInt(stamp));
}
