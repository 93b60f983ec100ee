import fs from 'node:fs';
import { fsPath, type DiskPath } from '../bytes/bytes.ts';
import type { Entry } from '../entry/entry.ts';
import { inspect } from './inspect.ts';
import { Problem, problemFrom } from './problem.ts';
import { stageDirectory } from './staged.ts';

/**
 * The real place of a directory that the administrator named: links on the way to it are meant and followed, a relative path
 * starts at the current directory. It is created with mode 0700, and so are its parents, when it is missing.
 */
export function configuredDirectory(path: string): DiskPath | Problem {
  try {
    fs.mkdirSync(fsPath(path), { recursive: true, mode: 0o700 });
    if (!fs.statSync(fsPath(path)).isDirectory()) return new Problem('ENOTDIR', path);
    return fs.realpathSync(fsPath(path), 'latin1') as DiskPath;
  } catch (error) {
    const problem = problemFrom(error, path);
    return problem.code === 'EEXIST' ? new Problem('ENOTDIR', path) : problem;
  }
}

/** Makes one directory with the owner and mode of `like` unless it is there. Anything else that is there stays: `ENOTDIR`. */
export function ensureDirectory(path: DiskPath, like: Entry): Problem | undefined {
  const found = inspect(path);
  if (found.state === 'present') return found.entry.kind === 'dir' ? undefined : new Problem('ENOTDIR', path);
  const staged = stageDirectory(path);
  if (staged instanceof Problem) return staged;
  const problem = setLike(staged, like);
  if (problem !== undefined) {
    staged.discard();
    return problem;
  }
  const refused = staged.commit();
  // Another process may have made and filled it in the meantime.
  return refused === undefined || isDirectory(path) ? undefined : refused;
}

/** What a copy's owner and mode are set through. */
interface Settable {
  setOwner(uid: number | undefined, gid: number | undefined): Problem | undefined;
  setMode(mode: number): Problem | undefined;
}

/**
 * Gives a copy the owner and mode of its original. Only root can give files away: for others the copy stays theirs, and
 * then nobody else may get at it.
 */
export function setLike(copy: Settable, original: Entry): Problem | undefined {
  const refused = copy.setOwner(original.uid, original.gid);
  if (refused !== undefined && refused.code !== 'EPERM') return refused;
  return copy.setMode(refused === undefined ? original.mode : original.mode & 0o700);
}

/** True for a directory that is really there, not a link to one. */
export function isDirectory(path: DiskPath): boolean {
  const found = inspect(path);
  return found.state === 'present' && found.entry.kind === 'dir';
}
