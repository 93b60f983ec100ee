import fs from 'node:fs';
import type { DiskPath } from '../bytes/bytes.ts';
import type { Entry } from '../entry/entry.ts';
import { entryFromStats } from '../entry/fromStats.ts';
import { withParent, type Parent } from './parent.ts';
import { Problem, problemFrom } from './problem.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = fs.constants;

/** A regular file open for reading. The caller closes it. */
export class OpenFile {
  readonly fd: number;
  readonly path: DiskPath;
  /** As it was when it was opened. */
  readonly entry: Entry;

  constructor(fd: number, path: DiskPath, entry: Entry) {
    this.fd = fd;
    this.path = path;
    this.entry = entry;
  }

  /** Fills `buffer` from `position` on, as far as the file goes: the number of bytes, or a Problem. */
  read(buffer: Uint8Array, position: number): number | Problem {
    try {
      let filled = 0;
      while (filled < buffer.length) {
        const count = fs.readSync(this.fd, buffer, filled, buffer.length - filled, position + filled);
        if (count === 0) break;
        filled += count;
      }
      return filled;
    } catch (error) {
      return problemFrom(error, this.path);
    }
  }

  /** True while nobody wrote to the file since it was opened, as far as its time stamps tell. Nobody knows of one that cannot be asked. */
  unchanged(): boolean {
    try {
      const now = fs.fstatSync(this.fd, { bigint: true });
      return now.ctimeNs === this.entry.changeTimeNs && Number(now.size) === this.entry.size;
    } catch (error) {
      problemFrom(error, this.path);
      return false;
    }
  }

  close(): void {
    fs.closeSync(this.fd);
  }
}

/**
 * Opens a regular file without following links and without ever waiting: a FIFO or a device is not opened at all, since
 * that alone can block or have effects. Problems: `ENOENT`, `EISDIR`, `NOT_REGULAR` (links too), and those of the parent.
 */
export function openFile(path: DiskPath): OpenFile | Problem {
  return withParent(path, openIn);
}

/** The same through an open parent directory; throws what `node:fs` throws. */
export function openIn(parent: Parent): OpenFile | Problem {
  const { path } = parent;
  const found = fs.lstatSync(parent.at, { throwIfNoEntry: false });
  if (found === undefined) return new Problem('ENOENT', path);
  if (!found.isFile()) return new Problem(found.isDirectory() ? 'EISDIR' : 'NOT_REGULAR', path);

  const fd = fs.openSync(parent.at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  const entry = entryFromStats(fs.fstatSync(fd, { bigint: true }), '');
  if (entry.kind === 'reg') return new OpenFile(fd, path, entry);
  fs.closeSync(fd);
  return new Problem('NOT_REGULAR', path);
}
