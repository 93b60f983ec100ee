import fs from 'node:fs';
import type { DiskPath } from '../bytes/bytes.ts';
import { O_PATH, withParent } from './parent.ts';
import { attempt, Problem } from './problem.ts';

const { O_NOFOLLOW } = fs.constants;
const { S_IFMT, S_IFLNK } = fs.constants;

/** Permission bits with set-user-id, set-group-id and sticky. */
const permissions = 0o7777;
/** The bits that the kernel takes away when the owner changes. */
const setId = 0o6000;
/** Seconds, the year 2242: from there on the doubles in which Node takes times are more than a microsecond apart. */
const exactUntil = 2 ** 33;

/**
 * One object held by a descriptor, of any kind and opened in any way (O_PATH too), so that its metadata can be set
 * whatever happens to its name meanwhile. Links themselves are changed, never what they point to.
 * System calls that would change nothing are left out.
 */
export class Metadata {
  readonly fd: number;
  readonly path: DiskPath;
  private readonly object: Settable;
  private stats: fs.Stats;

  /** `isOpen`: for reading or writing, not with O_PATH. */
  constructor(fd: number, path: DiskPath, isOpen = false) {
    this.fd = fd;
    this.path = path;
    this.object = isOpen ? new OpenObject(fd) : new HeldObject(fd);
    this.stats = fs.fstatSync(fd);
  }

  /** Whole st_mode as known here. */
  get mode(): number {
    return this.stats.mode;
  }

  /** Is it no directory, and has other names, perhaps elsewhere? What is set holds for all of them. */
  get hasOtherNames(): boolean {
    return this.stats.nlink > 1 && !this.stats.isDirectory();
  }

  /** `undefined` leaves the one or the other as it is. Mode bits survive. */
  setOwner(uid: number | undefined, gid: number | undefined): Problem | undefined {
    const { mode } = this.stats;
    const newUid = uid === undefined || uid === this.stats.uid ? unchanged : uid;
    const newGid = gid === undefined || gid === this.stats.gid ? unchanged : gid;
    if (newUid === unchanged && newGid === unchanged) return undefined;
    return attempt(this.path, () => {
      this.object.chown(newUid, newGid);
      if ((mode & setId) !== 0 && (mode & S_IFMT) !== S_IFLNK) this.object.chmod(mode & permissions);
      this.stats = fs.fstatSync(this.fd);
    });
  }

  /** Only the permission bits of `mode` count. Links have no mode: nothing happens. */
  setMode(mode: number): Problem | undefined {
    const wanted = mode & permissions;
    if ((this.stats.mode & permissions) === wanted || (this.stats.mode & S_IFMT) === S_IFLNK) return undefined;
    return attempt(this.path, () => {
      this.object.chmod(wanted);
      this.stats.mode = (this.stats.mode & S_IFMT) | wanted;
    });
  }

  /**
   * Access and modification time: whole seconds since the epoch, may be negative, and the nanoseconds on top. Node sets times
   * to the microsecond: digits after that are cut off. Of times so far away that a double cannot tell one microsecond from the
   * next, only the seconds are set.
   */
  setTime(seconds: number, nanoseconds = 0): Problem | undefined {
    const microseconds = Math.abs(seconds) < exactUntil ? Math.floor(nanoseconds / 1000) : 0;
    // The middle of the microsecond: a double is not exact enough to name its beginning, and Node rounds towards 1970.
    const middle = seconds < 0 ? -0.5 : 0.5;
    const value = microseconds === 0 ? seconds : seconds + (microseconds + middle) / 1e6;
    // As text: Node takes negative numbers for the present.
    const time = String(value);
    return attempt(this.path, () => this.object.utimes(time));
  }

  close(): void {
    fs.closeSync(this.fd);
  }
}

interface Settable {
  chown(uid: number, gid: number): void;
  chmod(mode: number): void;
  utimes(time: string): void;
}

/** System calls on a descriptor, which one opened with O_PATH is not good enough for. */
class OpenObject implements Settable {
  private readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  chown(uid: number, gid: number): void {
    fs.fchownSync(this.fd, uid, gid);
  }

  chmod(mode: number): void {
    fs.fchmodSync(this.fd, mode);
  }

  utimes(time: string): void {
    fs.futimesSync(this.fd, time, time);
  }
}

/** `/proc/self/fd/N` leads to the object itself, without a lookup by name. */
class HeldObject implements Settable {
  private readonly handle: string;

  constructor(fd: number) {
    this.handle = `/proc/self/fd/${fd}`;
  }

  chown(uid: number, gid: number): void {
    fs.chownSync(this.handle, uid, gid);
  }

  chmod(mode: number): void {
    fs.chmodSync(this.handle, mode);
  }

  utimes(time: string): void {
    fs.utimesSync(this.handle, time, time);
  }
}

/** What chown(2) takes for 'leave it'. */
const unchanged = -1;

/** Opens the object that an open parent directory has under a name. Throws what `node:fs` throws. */
export function holdObject(at: string | Buffer, path: DiskPath): Metadata {
  const fd = fs.openSync(at, O_PATH | O_NOFOLLOW);
  try {
    return new Metadata(fd, path);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** Of an object that is there. Links are changed themselves. */
export function setOwner(path: DiskPath, uid: number | undefined, gid: number | undefined): Problem | undefined {
  return withObject(path, (object) => object.setOwner(uid, gid));
}

/** Of an object that is there. Does nothing to links. */
export function setMode(path: DiskPath, mode: number): Problem | undefined {
  return withObject(path, (object) => object.setMode(mode));
}

/** Of an object that is there. Links are changed themselves. To the microsecond, see `Metadata.setTime`. */
export function setTime(path: DiskPath, seconds: number, nanoseconds = 0): Problem | undefined {
  return withObject(path, (object) => object.setTime(seconds, nanoseconds));
}

/** Several settings of one object at the price of one lookup. */
export function withObject<Result>(path: DiskPath, work: (object: Metadata) => Result): Result | Problem {
  return withParent(path, (parent) => {
    const object = holdObject(parent.at, path);
    try {
      return work(object);
    } finally {
      object.close();
    }
  });
}
