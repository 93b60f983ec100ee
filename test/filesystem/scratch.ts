import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import type { TestContext } from 'node:test';
import { fsPath, type DiskPath } from '../../src/bytes/bytes.ts';
import { releaseDirectory } from '../../src/filesystem/parent.ts';

/** A directory of its own for one test, removed afterwards. */
export function scratch(t: TestContext): string {
  const root = fs.mkdtempSync('/tmp/filesystem-');
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  return root;
}

/** A path on disk, from a byte string. */
export function disk(path: string): DiskPath {
  return path as DiskPath;
}

export function read(path: string): string {
  return fs.readFileSync(fsPath(path), 'latin1');
}

/** `mode uid:gid` of an object, links not followed. */
export function ownership(path: string): string {
  const stats = fs.lstatSync(fsPath(path));
  return `${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid}`;
}

export const isRoot = process.geteuid?.() === 0;

/**
 * How many descriptors of this process are open on scratch directories, what is in them, and what is above them, to notice leaks.
 * The others are not counted: whatever loads modules opens and closes its own meanwhile.
 */
export function openDescriptors(): number {
  releaseDirectory();
  const targets = fs.readdirSync('/proc/self/fd').map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch (error) {
      // The descriptor that listed the others is closed by now.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return '';
    }
  });
  return targets.filter((target) => target === '/' || target === '/tmp' || target.startsWith('/tmp/filesystem-'))
    .length;
}

/** A filesystem of that size, until the end of the test. Undefined where mounting is not allowed. */
export function smallFilesystem(t: TestContext, size: string): string | undefined {
  if (!isRoot) return undefined;
  const root = fs.mkdtempSync('/tmp/filesystem-');
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', root]).status === 0;
  t.after(() => {
    releaseDirectory();
    if (mounted) spawnSync('umount', [root]);
    fs.rmdirSync(root);
  });
  return mounted ? root : undefined;
}
