import fs from 'node:fs';
import type { DiskPath } from '../bytes/bytes.ts';
import { holdObject, Metadata } from './metadata.ts';
import { openParent, Parent, releaseDirectory } from './parent.ts';
import { attempt, Problem, problemFrom } from './problem.ts';
import { makeSpecial, type SpecialKind } from './specialFile.ts';
import { tempName } from './tempName.ts';

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;

/**
 * An object that is being made: it stands beside its target under a temporary name until `commit` puts it in place,
 * complete, by one rename. Until then readers see what was there before; `discard` leaves no trace.
 *
 * It is made in the target's directory, not in the configured `tempdir`: only a rename within one filesystem is one step,
 * and a directory that others can write to is no place for content that is not yet anybody's.
 *
 * Exactly one of `commit` and `discard` ends it; `discard` after `commit` does nothing.
 */
export class Staged {
  readonly path: DiskPath;
  readonly kind: 'reg' | 'dir' | 'lnk' | SpecialKind;
  private readonly parent: Parent;
  private readonly temp: string | Buffer;
  private readonly metadata: Metadata;
  private open = true;

  constructor(parent: Parent, temp: string | Buffer, kind: Staged['kind'], metadata: Metadata) {
    this.path = parent.path;
    this.kind = kind;
    this.parent = parent;
    this.temp = temp;
    this.metadata = metadata;
    unfinished.add(this);
  }

  /** Open for reading and writing when `kind` is `reg`; otherwise a mere handle. */
  get fd(): number {
    return this.metadata.fd;
  }

  /** Writes all of `bytes` at `position` of a staged file. */
  write(bytes: Uint8Array, position: number): Problem | undefined {
    return attempt(this.path, () => {
      for (let done = 0; done < bytes.length;) {
        done += fs.writeSync(this.fd, bytes, done, bytes.length - done, position + done);
      }
    });
  }

  /** `undefined` leaves the one or the other as the process made it. At once, so that a refusal is known at once. */
  setOwner(uid: number | undefined, gid: number | undefined): Problem | undefined {
    return this.metadata.setOwner(uid, gid);
  }

  /** Only permission bits count; nothing happens to links. Without it files stay 0600, directories 0700. */
  setMode(mode: number): Problem | undefined {
    return this.metadata.setMode(mode);
  }

  /**
   * Whole seconds, and nanoseconds as far as they can be set; after all writing. At once, so that what the file system makes of
   * them is known: some know whole seconds, or 32 bits of them.
   */
  setTime(seconds: number, nanoseconds = 0): Problem | undefined {
    return this.metadata.setTime(seconds, nanoseconds);
  }

  /**
   * Puts the object in place, over whatever is there but a directory with something in it (`ENOTEMPTY`). After a Problem
   * the target is as before (an empty directory or a file of the other sort may be gone) and this is discarded.
   */
  commit(): Problem | undefined {
    const problem = this.place();
    if (problem !== undefined) this.discard();
    else this.finish();
    return problem;
  }

  /** Removes the temporary object. What cannot be removed is found as a leftover later on. */
  discard(): Problem | undefined {
    if (!this.open) return undefined;
    const problem = attempt(this.path, () =>
      this.kind === 'dir' ? fs.rmdirSync(this.temp) : fs.unlinkSync(this.temp),
    );
    this.finish();
    return problem;
  }

  private place(): Problem | undefined {
    const { at } = this.parent;
    if (!this.parent.inPlace()) return new Problem('PARENT_MISSING', this.path);
    if (this.kind === 'dir') releaseDirectory();
    const problem = this.rename();
    if (problem?.code === 'EISDIR') {
      releaseDirectory();
      return attempt(this.path, () => fs.rmdirSync(at)) ?? this.rename();
    }
    if (problem?.code === 'ENOTDIR') return attempt(this.path, () => fs.unlinkSync(at)) ?? this.rename();
    return problem;
  }

  private rename(): Problem | undefined {
    return attempt(this.path, () => fs.renameSync(this.temp, this.parent.at));
  }

  private finish(): void {
    this.open = false;
    unfinished.delete(this);
    this.metadata.close();
    this.parent.close();
  }
}

function dispose(kind: Staged['kind'], temp: string | Buffer, path: DiskPath): Problem | undefined {
  return attempt(path, () => (kind === 'dir' ? fs.rmdirSync(temp) : fs.unlinkSync(temp)));
}

const unfinished = new Set<Staged>();

/** For the way out of the process: nothing that is still staged stays behind. */
export function discardAllStaged(): void {
  for (const staged of unfinished) staged.discard();
}

/** An empty file of ours, open for reading and writing. `mode`: what it begins with, less what umask takes away. */
export function stageFile(path: DiskPath, mode = 0o600): Staged | Problem {
  return stage(path, 'reg', (_, temp) => {
    const fd = fs.openSync(temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    return new Metadata(fd, path, true);
  });
}

/** An empty directory, mode 0700. Not for a path where a directory is already: set that one's metadata instead. */
export function stageDirectory(path: DiskPath): Staged | Problem {
  return stage(path, 'dir', (_, temp) => {
    fs.mkdirSync(temp, 0o700);
    return holdObject(temp, path);
  });
}

/** A symbolic link; `target` is a byte string. */
export function stageLink(path: DiskPath, target: string): Staged | Problem {
  return stage(path, 'lnk', (_, temp) => {
    fs.symlinkSync(Buffer.from(target, 'latin1'), temp);
    return holdObject(temp, path);
  });
}

/** A device node or FIFO, mode 0600. `device` is st_rdev, of no meaning for a FIFO. */
export function stageSpecial(path: DiskPath, kind: SpecialKind, device: number): Staged | Problem {
  return stage(path, kind, (parent, temp, base) => {
    return makeSpecial(parent.fd, base, kind, device, path) ?? holdObject(temp, path);
  });
}

/** A name of ours can only be taken by another thread's; then the next one is free. */
const attempts = 8;

function stage(
  path: DiskPath,
  kind: Staged['kind'],
  make: (parent: Parent, temp: string | Buffer, base: string) => Metadata | Problem,
): Staged | Problem {
  const parent = openParent(path);
  if (parent instanceof Problem) return parent;
  let made: Metadata | Problem = new Problem('EEXIST', path);
  for (let n = 0; n < attempts && made instanceof Problem && made.code === 'EEXIST'; n++) {
    const base = tempName();
    const temp = parent.sibling(base);
    made = tryMake(path, () => make(parent, temp, base));
    if (!(made instanceof Problem)) return new Staged(parent, temp, kind, made);
    // It may have been made before something failed. When it was not, there is nothing to remove and nothing to report.
    if (made.code !== 'EEXIST') dispose(kind, temp, path);
  }
  parent.close();
  return made;
}

function tryMake(path: DiskPath, make: () => Metadata | Problem): Metadata | Problem {
  try {
    return make();
  } catch (error) {
    return problemFrom(error, path);
  }
}
