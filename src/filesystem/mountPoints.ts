import fs from 'node:fs';
import { type DiskPath, fsPath } from '../bytes/bytes.ts';
import { problemFrom } from './problem.ts';

/** Where file systems are mounted, as this process sees them. */
export function mountPoints(): Set<DiskPath> {
  const lines = fs.readFileSync('/proc/self/mountinfo', 'latin1').split('\n');
  // ID, parent, device, root within it, mount point; blanks and the like are in octal.
  const fields = lines.flatMap((line) => line.split(' ', 5)[4] ?? []);
  return new Set(fields.map((field) => field.replace(/\\([0-7]{3})/g, unescape) as DiskPath));
}

function unescape(_: string, octal: string): string {
  return String.fromCharCode(parseInt(octal, 8));
}

/** A directory as such, whatever its path: two are the same as long as both are there. Undefined: there is none. */
export function identityOf(directory: DiskPath): string | undefined {
  const stats = look(directory);
  return stats?.isDirectory() === true ? `${stats.dev}:${stats.ino}` : undefined;
}

/** A directory on another device than the one that it is in: not so what is mounted from elsewhere on the same device. */
export function isOnOtherDevice(directory: DiskPath): boolean {
  const parent = (directory.slice(0, directory.lastIndexOf('/')) || '/') as DiskPath;
  const [inner, outer] = [look(directory), look(parent)];
  return inner !== undefined && outer !== undefined && inner.isDirectory() && inner.dev !== outer.dev;
}

function look(path: DiskPath): fs.Stats | undefined {
  try {
    return fs.lstatSync(fsPath(path), { throwIfNoEntry: false });
  } catch (error) {
    problemFrom(error, path);
    return undefined;
  }
}
