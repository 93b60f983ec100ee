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

/** Open descriptors of this process, to notice leaks. */
export function openDescriptors(): number {
  releaseDirectory();
  return fs.readdirSync('/proc/self/fd').length;
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
