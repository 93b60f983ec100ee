import { isTerminal } from '../log/isTerminal.ts';
import { forTerminal } from '../log/printable.ts';
import { writeFully } from '../log/writeFully.ts';
import { systemText } from '../transport/failures.ts';

/** Standard output cannot be written to. */
export class OutputError extends Error {
  readonly code = 'OUTPUT';
  /** Whoever read it has gone, as `head` does: no trouble of ours. */
  readonly isUnread: boolean;

  constructor(cause: NodeJS.ErrnoException) {
    super(`Can't write to standard output: ${systemText(cause)}`, { cause });
    this.name = 'OutputError';
    this.isUnread = cause.code === 'EPIPE';
  }
}

/** A byte string to standard output, all of it. Fails with OutputError. */
export function writeOut(bytes: string): void {
  try {
    writeFully(1, bytes);
  } catch (error) {
    throw new OutputError(error as NodeJS.ErrnoException);
  }
}

/** Standard output in large pieces: byte strings in, one write for many lines. */
export class Output {
  /** `--json`: lines are JSON objects, see `jsonLine`. */
  readonly json: boolean;
  /** Called before anything is written, to make room for it on a terminal. */
  beforeFlush: (() => void) | undefined;
  #pieces: string[] = [];
  #bytes = 0;

  constructor(json = false) {
    this.json = json;
  }

  line(text: string): void {
    this.#pieces.push(text, '\n');
    this.#bytes += text.length + 1;
    if (this.#bytes >= pieceSize) this.flush();
  }

  /** Lines that have their newlines. */
  lines(text: string): void {
    this.#pieces.push(text);
    this.#bytes += text.length;
    if (this.#bytes >= pieceSize) this.flush();
  }

  flush(): void {
    if (this.#bytes === 0) return;
    const bytes = this.#pieces.join('');
    this.#pieces = [];
    this.#bytes = 0;
    this.beforeFlush?.();
    writeOut(isTerminal(1) ? forTerminal(bytes) : bytes);
  }
}

const pieceSize = 64 << 10;
