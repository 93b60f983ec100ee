import fs from 'node:fs';
import { type DiskPath, fsPath } from '../bytes/bytes.ts';
import { openParent } from './parent.ts';
import { Problem } from './problem.ts';

/**
 * A quick look whether anything stands at a path, for many paths in an order that keeps those of a directory together: that
 * the way there is free of links is made sure of once for a run of them. So this is a hint, to be followed up by `inspect`.
 */
export class Existence {
  private directory: string | undefined;
  private reachable = false;

  /** Nothing is there, or nothing that may be looked at. False when that cannot be known. */
  isGone(path: DiskPath): boolean {
    const directory = path.slice(0, path.lastIndexOf('/'));
    if (directory !== this.directory) {
      this.reachable = isReachable(path);
      this.directory = directory;
    }
    return !this.reachable || isMissing(path);
  }
}

function isReachable(path: DiskPath): boolean {
  const parent = openParent(path);
  if (parent instanceof Problem) return parent.code !== 'PARENT_MISSING' && parent.code !== 'IMPURE';
  parent.close();
  return true;
}

function isMissing(path: DiskPath): boolean {
  try {
    return fs.lstatSync(fsPath(path), { throwIfNoEntry: false }) === undefined;
  } catch {
    // Whatever the trouble is, `inspect` will name it.
    return false;
  }
}
