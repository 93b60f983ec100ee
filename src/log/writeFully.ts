import { writeSync } from 'node:fs';

const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes all of `bytes` (a byte string) before it returns, as write(2) on a blocking descriptor would: where another
 * process made the pipe or terminal non-blocking and it is full, waits for the reader. Throws the error of write(2).
 */
export function writeFully(fd: number, bytes: string): void {
  const buffer = Buffer.from(bytes, 'latin1');
  let written = 0;
  while (written < buffer.length) {
    try {
      written += writeSync(fd, buffer, written);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') Atomics.wait(pause, 0, 0, 2);
      else if (code !== 'EINTR') throw error;
    }
  }
}
