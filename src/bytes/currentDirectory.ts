import fs from 'node:fs';

/** A path (byte string) made absolute, so that it leads to the same place from other threads while a walk moves the directory. */
export function fromHere(path: string): string {
  return path.startsWith('/') ? path : `${currentDirectory()}/${path}`;
}

/** A byte string, where `process.cwd()` has text. Fails with ENOENT when the directory is gone. */
export function currentDirectory(): string {
  process.cwd();
  return fs.readlinkSync('/proc/self/cwd', 'latin1');
}
