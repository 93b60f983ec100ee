import type { BigIntStats } from 'node:fs';
import type { Entry, Kind } from './entry.ts';

const billion = 1_000_000_000n;

/** Index: the four file type bits of st_mode (S_IFMT >> 12). */
const kinds: readonly (Kind | undefined)[] = Object.assign(new Array<Kind | undefined>(16).fill(undefined), {
  1: 'fifo',
  2: 'chr',
  4: 'dir',
  6: 'blk',
  8: 'reg',
  10: 'lnk',
  12: 'sock',
});

/** What st_mode says the object is. Linux has no other types than these seven. */
export function kindOfMode(mode: number): Kind {
  const kind = kinds[(mode >> 12) & 15];
  if (kind === undefined) throw new TypeError(`no file type in mode ${mode}`);
  return kind;
}

/**
 * Whole seconds of a kernel time stamp, rounded down: the kernel's own tv_sec. The double in `mtimeMs` would round
 * 0.9999999 s up, and BigInt division would round negative times towards zero.
 */
export function wholeSeconds(nanoseconds: bigint): bigint {
  const seconds = nanoseconds / billion;
  return nanoseconds < 0n && seconds * billion !== nanoseconds ? seconds - 1n : seconds;
}

/** `target` is the link's content (byte string) for symbolic links, else ''. */
export function entryFromStats(stats: BigIntStats, target: string): Entry {
  const mode = Number(stats.mode);
  const seconds = wholeSeconds(stats.mtimeNs);
  return {
    kind: kindOfMode(mode),
    mode,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: Number(stats.size),
    mtime: Number(seconds),
    mtimeNanoseconds: Number(stats.mtimeNs - seconds * billion),
    device: Number(stats.rdev),
    target,
    inode: stats.ino,
    changeTimeNs: stats.ctimeNs,
  };
}
