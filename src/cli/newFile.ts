import fs from 'node:fs';
import { fsPath } from '../bytes/bytes.ts';

/** Writes a file that must not be there yet. One that cannot be written whole is not there afterwards either. */
export function writeNewFile(path: string, content: string, mode: number): void {
  const fd = fs.openSync(fsPath(path), 'wx', mode);
  try {
    fs.writeFileSync(fd, content);
  } catch (error) {
    fs.rmSync(fsPath(path), { force: true });
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}
