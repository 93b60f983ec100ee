import { fstatSync } from 'node:fs';
import { clockTime } from './clock.ts';
import { isTerminal } from './isTerminal.ts';
import type { Level, Sink } from './log.ts';
import { forTerminal } from './printable.ts';
import { writeFully } from './writeFully.ts';

const flushAtBytes = 32 * 1024;
const flushAfterMs = 100;

export interface StderrOptions {
  /** Default 2. */
  readonly fd?: number;
  /** `-t`: the time of day in front of each line. */
  readonly timestamps?: boolean;
}

/**
 * Lines to stderr, bytes as they are unless it is a terminal. Errors go out at once; other lines are gathered and go out together: when the
 * program next waits for something, when there are many, when the last ones are old, and at exit.
 */
export function createStderrSink(options: StderrOptions = {}): Sink {
  return new StderrSink(options.fd ?? 2, options.timestamps ?? false);
}

class StderrSink implements Sink {
  readonly #fd: number;
  readonly #timestamps: boolean;
  readonly #isTerminal: boolean;
  #pending = '';
  #lastFlush = 0;
  #scheduled = false;

  constructor(fd: number, timestamps: boolean) {
    this.#fd = fd;
    this.#timestamps = timestamps;
    this.#isTerminal = isTerminal(fd);
    process.on('exit', () => this.flush());
  }

  write(level: Level, prefix: string, message: string): void {
    const stamp = this.#timestamps ? `[${clockTime()}] ` : '';
    this.#pending += `${stamp}${prefix}${message}\n`;
    if (level === 0 || this.#pending.length > flushAtBytes || performance.now() - this.#lastFlush > flushAfterMs) {
      this.flush();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
  }

  flush(): void {
    this.#lastFlush = performance.now();
    if (this.#pending === '') return;
    const lines = this.#pending;
    this.#pending = '';
    try {
      writeFully(this.#fd, this.#isTerminal ? forTerminal(lines) : lines);
    } catch {
      // The reader is gone or the disk is full, and this was the place to say so. The work itself goes on.
    }
  }
}

/** Whether two descriptors are the same socket, pipe or file. inetd hands over one socket as 0, 1 and 2. */
export function sameStream(a: number, b: number): boolean {
  try {
    const [first, second] = [fstatSync(a, { bigint: true }), fstatSync(b, { bigint: true })];
    return first.dev === second.dev && first.ino === second.ino;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBADF') return false;
    throw error;
  }
}
