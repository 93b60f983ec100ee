import { renameSync, writeFileSync } from 'node:fs';

/** Puts new content in place in one step: tests and other builds may be reading the old one. */
export function replaceFile(file, content) {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, content);
  renameSync(fresh, file);
}
