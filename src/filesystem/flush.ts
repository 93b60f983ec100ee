import { execFile } from 'node:child_process';
import type { DiskPath } from '../bytes/bytes.ts';
import { openParent } from './parent.ts';
import { Problem } from './problem.ts';

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
      resolve(error === null ? undefined : new Problem('EIO', path, `Can not run sync: ${error.message}`));
    });
  });
}
