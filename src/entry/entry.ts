/** One filesystem object as csync2 sees it: kind and metadata, no content. */
export type Kind = 'reg' | 'dir' | 'chr' | 'blk' | 'fifo' | 'lnk' | 'sock';

export interface Entry {
  readonly kind: Kind;
  /** Whole st_mode, type bits included. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes, for `reg`. */
  readonly size: number;
  /** Whole seconds since the epoch, rounded down as the kernel has them (also for negative times). */
  readonly mtime: number;
  /** 0–999,999,999, the rest of the time stamp. */
  readonly mtimeNanoseconds: number;
  /** st_rdev in decimal, for `chr` and `blk`. */
  readonly device: number;
  /** Byte string, for `lnk`. */
  readonly target: string;
  /** Identity on this host, to notice that a file was replaced or changed while it was read. */
  readonly inode: bigint;
  readonly changeTimeNs: bigint;
}

/** The configuration's `ignore uid gid mod;`: what is left out of checktxts and not applied. */
export interface Ignored {
  readonly uid: boolean;
  readonly gid: boolean;
  readonly mod: boolean;
}
