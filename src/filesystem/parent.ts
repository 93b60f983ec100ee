import fs from 'node:fs';
import { fsPath, type DiskPath } from '../bytes/bytes.ts';
import { Problem, problemFrom } from './problem.ts';

const { O_DIRECTORY } = fs.constants;
/** A handle to the place itself: needs no permission on it and has no side effects. Linux, all architectures that Node runs on. */
export const O_PATH = 0o10000000;

/**
 * A parent directory held open, and the last component of a path in it.
 *
 * Every effect on a path goes through here. Node has no openat(2), so the directory is opened, the kernel is asked which
 * place that really is (`/proc/self/fd/N`), and only if that is the requested path literally, no symbolic link was
 * followed on the way. From then on `at` names the object through the open directory: whoever swaps a parent for
 * a link afterwards moves the name, not the directory that is being worked in.
 */
export class Parent {
  readonly fd: number;
  /** The path as requested. */
  readonly path: DiskPath;
  /** The last component, '.' for the root directory. */
  readonly base: string;
  /** For `node:fs` calls: `/proc/self/fd/N/base`. Calls must not follow a final link themselves. */
  readonly at: string | Buffer;
  private readonly directory: Directory;

  constructor(directory: Directory, path: DiskPath, base: string) {
    this.directory = directory;
    this.fd = directory.fd;
    this.path = path;
    this.base = base;
    this.at = this.sibling(base);
    directory.users += 1;
  }

  sibling(base: string): string | Buffer {
    return fsPath(`/proc/self/fd/${this.fd}/${base}`);
  }

  /** False once the directory was moved or removed: then the path no longer leads here. */
  inPlace(): boolean {
    return placeOf(this.fd) === parentOf(this.path);
  }

  close(): void {
    this.directory.users -= 1;
    closeUnused(this.directory);
  }
}

/** An open directory, shared by all that work in it at the same time. */
interface Directory {
  readonly fd: number;
  readonly path: string;
  users: number;
  /** How often it may be used before the kernel is asked again where it is. */
  uses: number;
}

/**
 * The directory that was opened last stays open until the program next comes to rest, since the next object is often in the
 * same one. Until then the kernel's answer where that is counts for a number of objects: they are looked at in one go, as if
 * at the time of that answer. Whoever moves the directory meanwhile moves it with what is done in it; nothing is done
 * elsewhere. What is put in place by a rename asks once more (`inPlace`).
 */
let latest: Directory | undefined;
const usesPerLook = 64;
let releaseScheduled = false;

function keepOpen(directory: Directory): void {
  const previous = latest;
  latest = directory;
  if (previous !== undefined) closeUnused(previous);
  if (releaseScheduled) return;
  releaseScheduled = true;
  setImmediate(() => {
    releaseScheduled = false;
    releaseDirectory();
  });
}

/**
 * Closes at once what is only kept open for the next object. For those who put something else in place of a directory, remove
 * one, unmount, or count descriptors.
 */
export function releaseDirectory(): void {
  const directory = latest;
  latest = undefined;
  if (directory !== undefined) closeUnused(directory);
}

function closeUnused(directory: Directory): void {
  if (directory.users === 0 && directory !== latest) fs.closeSync(directory.fd);
}

/**
 * Opens the parent directory of `path`, which must be absolute and free of empty, `.` and `..` components.
 * Problems: `PARENT_MISSING`, `IMPURE`, or the errno of the attempt. The caller closes the result.
 */
export function openParent(path: DiskPath): Parent | Problem {
  const base = path.slice(path.lastIndexOf('/') + 1) || '.';
  const wanted = parentOf(path);
  if (latest?.path === wanted) {
    if (isStillThere(latest)) return new Parent(latest, path, base);
    // What is known to be elsewhere is not asked about anew.
    releaseDirectory();
  }
  const fd = openReal(wanted, path);
  if (fd instanceof Problem) return fd;
  const directory = { fd, path: wanted, users: 0, uses: usesPerLook };
  keepOpen(directory);
  return new Parent(directory, path, base);
}

function isStillThere(directory: Directory): boolean {
  directory.uses -= 1;
  if (directory.uses > 0) return true;
  directory.uses = usesPerLook;
  return placeOf(directory.fd) === directory.path;
}

function parentOf(path: DiskPath): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** Uses the parent of `path` for one synchronous piece of work. */
export function withParent<Result>(path: DiskPath, work: (parent: Parent) => Result): Result | Problem {
  const parent = openParent(path);
  if (parent instanceof Problem) return parent;
  try {
    return work(parent);
  } catch (error) {
    return problemFrom(error, path);
  } finally {
    parent.close();
  }
}

/** The directory may be renamed between open and readlink; then the next try tells where things stand. */
const attempts = 3;

function openReal(directory: string, path: DiskPath): number | Problem {
  for (let n = 0; n < attempts; n++) {
    const fd = openDirectory(directory, path);
    if (!(fd instanceof Problem)) {
      if (placeOf(fd) === directory) return fd;
      fs.closeSync(fd);
    } else if (fd.code !== 'ENOENT' && fd.code !== 'ENOTDIR' && fd.code !== 'ELOOP') {
      return fd;
    }
    const why = whyMissing(directory, path);
    if (why !== undefined) return why;
  }
  return new Problem('IMPURE', path);
}

function openDirectory(directory: string, path: DiskPath): number | Problem {
  try {
    return fs.openSync(fsPath(directory), O_PATH | O_DIRECTORY);
  } catch (error) {
    return problemFrom(error, path);
  }
}

/**
 * Where the kernel says that an open directory is: its canonical path, with ` (deleted)` appended once it is removed.
 * A directory whose path became longer than a page has no place that could be named.
 */
function placeOf(fd: number): string | undefined {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`, 'latin1');
  } catch (error) {
    if (problemFrom(error, '').code === 'ENAMETOOLONG') return undefined;
    throw error;
  }
}

/** Finds the first component that is not a directory. Undefined: all are, now. */
function whyMissing(directory: string, path: DiskPath): Problem | undefined {
  for (let end = directory.indexOf('/', 1); ; end = directory.indexOf('/', end + 1)) {
    const ancestor = end < 0 ? directory : directory.slice(0, end);
    try {
      const stats = fs.lstatSync(fsPath(ancestor), { throwIfNoEntry: false });
      if (stats === undefined) return new Problem('PARENT_MISSING', path);
      if (stats.isSymbolicLink()) return new Problem('IMPURE', path);
      if (!stats.isDirectory()) return new Problem('PARENT_MISSING', path);
    } catch (error) {
      return problemFrom(error, path);
    }
    if (end < 0) return undefined;
  }
}
