import type { DiskPath, FileName } from '../bytes/bytes.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import { identityOf, isOnOtherDevice, mountPoints } from '../filesystem/mountPoints.ts';
import type { Cluster } from '../groups/cluster.ts';
import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { below, type Change, type Store } from '../store/store.ts';

interface Mounted {
  readonly identity: string;
  isKnown: boolean;
}

/**
 * The file systems that files of ours are on. One that was mounted when its files were recorded, and is not now, is lost: the
 * files are not gone, so nothing at or below its mount point is recorded, sent or received until it is mounted again.
 */
export class Mounts {
  readonly #mounted: ReadonlyMap<DiskPath, Mounted>;
  readonly #lost: Set<DiskPath>;
  readonly #told = new Set<DiskPath>();
  /** Looked at since the program last came to rest. */
  readonly #seen = new Set<DiskPath>();
  /** Remembered, but not mounted, and nothing is missed. */
  #stale: readonly DiskPath[];

  private constructor(mounted: ReadonlyMap<DiskPath, Mounted>, lost: readonly DiskPath[], stale: readonly DiskPath[]) {
    this.#mounted = mounted;
    this.#lost = new Set(lost);
    this.#stale = stale;
  }

  /** How things are now. Changes nothing. */
  static async find(cluster: Cluster, store: Store): Promise<Mounts> {
    const remembered = new Set((await store.mounts()).map((path) => decode(path) as DiskPath));
    const present = mountPoints();
    const mounted = new Map<DiskPath, Mounted>();
    for (const path of present) {
      const isKnown = remembered.has(path);
      if (!isKnown && !(concerns(cluster, path) && isOnOtherDevice(path))) continue;
      const identity = identityOf(path);
      if (identity !== undefined) mounted.set(path, { identity, isKnown });
    }
    const lost: DiskPath[] = [];
    const stale: DiskPath[] = [];
    for (const path of remembered) {
      if (!mounted.has(path)) ((await hasRowsBelow(cluster, store, path)) ? lost : stale).push(path);
    }
    return new Mounts(mounted, lost, stale);
  }

  /** Nothing of ours is on a file system of its own, or was. */
  get isEmpty(): boolean {
    return this.#mounted.size === 0 && this.#lost.size === 0 && this.#stale.length === 0;
  }

  get hasLost(): boolean {
    return this.#lost.size > 0;
  }

  /**
   * The lost mount point that a path is at or below, as things were when the program last came to rest. `now`: as they are,
   * which after a look at the path tells what that look is worth.
   */
  lostAt(path: DiskPath, now = false): DiskPath | undefined {
    if (now) this.#seen.clear();
    for (const mounted of this.#mounted.keys()) if (isWithin(path, mounted)) this.#lookAgain(mounted);
    for (const lost of this.#lost) if (isWithin(path, lost)) return lost;
    return undefined;
  }

  /** The lost mount points that lie at or below a path, or above it, but for those below others. As things are now. */
  lostAround(path: DiskPath): DiskPath[] {
    this.#seen.clear();
    for (const mounted of this.#mounted.keys()) this.#lookAgain(mounted);
    const isOutermost = (lost: DiskPath): boolean =>
      ![...this.#lost].some((other) => other !== lost && isWithin(lost, other));
    return [...this.#lost].filter((lost) => isOutermost(lost) && (isWithin(lost, path) || isWithin(path, lost)));
  }

  /** Whoever is lost once is lost for good: what was seen in between may be of either. */
  #lookAgain(mounted: DiskPath): void {
    if (this.#seen.has(mounted)) return;
    if (this.#seen.size === 0) setImmediate(() => this.#seen.clear());
    this.#seen.add(mounted);
    if (identityOf(mounted) !== this.#mounted.get(mounted)?.identity) this.#lost.add(mounted);
  }

  /** What a check or a peer that is at work at `path`, or below it, makes worth remembering; and what is to be forgotten. */
  remember(path: DiskPath, alsoBelow: boolean): Change[] {
    const changes = this.#stale.map((stale): Change => ({ type: 'dropMount', path: encode(stale) }));
    this.#stale = [];
    for (const [mounted, state] of this.#mounted) {
      if (state.isKnown || !(isWithin(path, mounted) || (alsoBelow && isWithin(mounted, path)))) continue;
      state.isKnown = true;
      changes.push({ type: 'noteMount', path: encode(mounted) });
    }
    return changes;
  }

  /** An error, once for each. */
  tell(lost: DiskPath, log: Log): void {
    if (this.#told.has(lost)) return;
    this.#told.add(lost);
    log.error(messages.notMounted(lost));
  }
}

/** All names that a lost mount point, and what is below it, goes by: each of these, and all that is below one. */
export function namesAt(cluster: Cluster, path: DiskPath): FileName[] {
  return [...cluster.toNames(path), ...cluster.prefixesBelow(path)];
}

function concerns(cluster: Cluster, path: DiskPath): boolean {
  if (cluster.prefixesBelow(path).length > 0) return true;
  const coverage = cluster.coverage();
  return cluster.toNames(path).some((name) => coverage.covers(name) || coverage.mayContain(name));
}

async function hasRowsBelow(cluster: Cluster, store: Store, path: DiskPath): Promise<boolean> {
  for (const name of namesAt(cluster, path)) {
    for await (const { names } of store.files(below(encode(name)))) if (names.length > 0) return true;
  }
  return false;
}

function isWithin(path: DiskPath, directory: DiskPath): boolean {
  if (directory === '/') return true;
  return path.startsWith(directory) && (path.length === directory.length || path[directory.length] === '/');
}
