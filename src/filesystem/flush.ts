import { execFile, type ExecFileException } from 'node:child_process';
import fs from 'node:fs';
import { type DiskPath, fsPath } from '../bytes/bytes.ts';
import { openParent } from './parent.ts';
import { Problem, problemFrom } from './problem.ts';

/**
 * Makes everything written so far to the filesystem of `path` survive a power cut: content, names, metadata, of any number of
 * files at once. syncfs(2), which sync(1) calls, costs about as much for a batch as fsync(2) does for a few files. Once a batch,
 * before the database says that the batch is done.
 */
export async function flushFilesystem(path: DiskPath): Promise<Problem | undefined> {
  const parent = openParent(path);
  if (parent instanceof Problem) return parent;
  return new Promise((resolve) => {
    const directory = `/proc/${process.pid}/fd/${parent.fd}`;
    execFile('sync', ['-f', '.'], { cwd: directory, env: { LC_ALL: 'C', PATH: process.env['PATH'] } }, (error) => {
      parent.close();
      resolve(error === null ? undefined : troubleOf(error, path));
    });
  });
}

/** `EIO`: it was tried and did not succeed. */
function troubleOf(error: ExecFileException, path: DiskPath): Problem {
  const code = typeof error.code === 'string' ? error.code : 'EIO';
  return new Problem(code, path, `Can not run sync: ${error.message.trim()}`);
}

/** The filesystems that some directories are in. */
export class Filesystems {
  readonly #directories = new Map<number, string>();

  /** One that is still to be made will be on the filesystem of the nearest directory above it. */
  add(directory: string): void {
    const device = deviceOf(directory);
    if (device !== undefined && !this.#directories.has(device)) this.#directories.set(device, directory);
  }

  /** All of them, see `flushFilesystem`. */
  async flush(): Promise<Problem | undefined> {
    for (const directory of this.#directories.values()) {
      const problem = await flushAround(directory);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
}

/** In place of a directory that has been removed meanwhile, perhaps in favour of a link, the nearest one above it does. */
async function flushAround(directory: string): Promise<Problem | undefined> {
  const problem = await flushFilesystem((directory === '/' ? '/.' : `${directory}/.`) as DiskPath);
  const isGone = problem?.code === 'PARENT_MISSING' || problem?.code === 'IMPURE';
  return isGone && directory !== '/' ? flushAround(parentOf(directory)) : problem;
}

/** Undefined for what is out of reach. */
function deviceOf(directory: string): number | undefined {
  try {
    return fs.lstatSync(fsPath(directory)).dev;
  } catch (error) {
    const { code } = problemFrom(error, directory);
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    return isMissing && directory !== '/' ? deviceOf(parentOf(directory)) : undefined;
  }
}

function parentOf(directory: string): string {
  return directory.slice(0, directory.lastIndexOf('/')) || '/';
}
