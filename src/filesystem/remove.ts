import fs from 'node:fs';
import type { DiskPath } from '../bytes/bytes.ts';
import { releaseDirectory, withParent, type Parent } from './parent.ts';
import { Problem } from './problem.ts';
import { isLeftover, isTempName } from './tempName.ts';

/**
 * Removes one object: a directory only when it is empty (`ENOTEMPTY`), anything else by its name. Nothing there is a Problem
 * too (`ENOENT`).
 */
export function remove(path: DiskPath): Problem | undefined {
  return withParent(path, removeIn);
}

/** The same through an open parent directory; throws what `node:fs` throws. */
export function removeIn(parent: Parent): Problem | undefined {
  const stats = fs.lstatSync(parent.at, { throwIfNoEntry: false });
  if (stats === undefined) return new Problem('ENOENT', parent.path);
  if (stats.isDirectory()) removeDirectoryIn(parent);
  else fs.unlinkSync(parent.at);
  return undefined;
}

function removeDirectoryIn(parent: Parent): void {
  releaseDirectory();
  fs.rmdirSync(parent.at);
}

/** Gives an object another name in its directory, in one step, over what has that name. `base` is a last component. */
export function renameWithin(path: DiskPath, base: string): Problem | undefined {
  return withParent(path, (parent) => {
    releaseDirectory();
    fs.renameSync(parent.at, parent.sibling(base));
    return undefined;
  });
}

/** Removes a temporary object whose owner is dead; leaves anything else alone. True when it removed something. */
export function removeLeftover(path: DiskPath): boolean | Problem {
  return withParent(path, (parent) => {
    if (!isTempName(parent.base)) return false;
    const stats = fs.lstatSync(parent.at, { throwIfNoEntry: false });
    if (stats === undefined || !isLeftover(parent.base, stats.ctimeMs / 1000)) return false;
    return removeIn(parent) ?? true;
  });
}
