import { ProtocolError } from './errors.ts';

/** Longest line that a C server takes, its newline included; what a client sends must fit too. */
export const requestLineLimit = 16_383;
/**
 * Longest line that we take as a client, its newline included. LIST rows carry a name and a link target, both up to
 * 4,095 bytes and encoded up to twice, so the server's limit would be too small.
 */
export const replyLineLimit = 131_072;

/** Lines are cut from decoded windows of at most this size, so a line that is kept keeps alive this much at most. */
const largestWindow = 4096;
const newline = 10;

/**
 * What has arrived and not yet been asked for. Bytes go in as they come, lines and runs of bytes come out; how they
 * were cut into chunks makes no difference. Chunks are not copied: whoever pushes one must not write to it again.
 */
export class Inbox {
  readonly #lineLimit: number;
  readonly #windowSize: number;
  readonly #chunks: Buffer[] = [];
  /** Index of the chunk that holds the next byte; those before it are used up. */
  #head = 0;
  /** The next byte, as a position in the head chunk. */
  #at = 0;
  #buffered = 0;
  /** Latin1 text of a part of the head chunk. */
  #window = '';
  #windowStart = 0;
  /** This many of the buffered bytes, in whole chunks, are known to hold no newline. */
  #scannedChunks = 0;
  #scannedBytes = 0;

  /** `lineLimit`: bytes that a line may have, its newline included. */
  constructor(lineLimit = requestLineLimit) {
    this.#lineLimit = lineLimit;
    // What is found in a window is never too long.
    this.#windowSize = Math.min(largestWindow, lineLimit);
  }

  /** Bytes that have arrived and were not taken yet. */
  get buffered(): number {
    return this.#buffered;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#chunks.push(bytes);
    this.#buffered += bytes.length;
  }

  /**
   * The next line as a byte string, without its newline and one carriage return before that; undefined until it is
   * complete. Throws ProtocolError LINE_TOO_LONG, without taking anything, as soon as the limit is passed.
   */
  tryLine(): string | undefined {
    const from = this.#at - this.#windowStart;
    const end = this.#window.indexOf('\n', from);
    if (end < 0 || from < 0) return this.#lineOutsideWindow();
    const line = this.#window.slice(from, end);
    this.#takeFromHead(end - from + 1);
    return this.#finish(line);
  }

  /**
   * Some whole lines, as many as are at hand in one piece, as one text with their newlines (and without carriage returns
   * before these); undefined until one is complete. Throws as `tryLine`.
   */
  tryLines(): string | undefined {
    const head = this.#chunks[this.#head];
    const end = head === undefined ? -1 : head.lastIndexOf(newline, this.#at + this.#lineLimit - 1);
    if (head === undefined || end < this.#at) {
      const line = this.tryLine();
      return line === undefined ? undefined : line + '\n';
    }
    const lines = head.toString('latin1', this.#at, end + 1);
    this.#takeFromHead(end + 1 - this.#at);
    return lines.includes('\r') ? lines.replaceAll('\r\n', '\n') : lines;
  }

  /** At least one and at most `max` bytes, as a view of what was pushed; undefined when there are none (or `max` is 0). */
  tryBytes(max: number): Uint8Array | undefined {
    const head = this.#chunks[this.#head];
    if (head === undefined || max <= 0) return undefined;
    const bytes = head.subarray(this.#at, Math.min(head.length, this.#at + max));
    this.#forgetScan();
    this.#takeFromHead(bytes.length);
    return bytes;
  }

  /** Everything that is left, in order; the inbox is empty afterwards. For bytes that belong to another layer. */
  takeAll(): Uint8Array {
    const rest: Uint8Array[] = [];
    for (let bytes = this.tryBytes(Infinity); bytes !== undefined; bytes = this.tryBytes(Infinity)) rest.push(bytes);
    return rest.length === 1 ? (rest[0] as Uint8Array) : Buffer.concat(rest);
  }

  #lineOutsideWindow(): string | undefined {
    const head = this.#chunks[this.#head];
    if (head === undefined) return undefined;
    const end = this.#scannedChunks > 0 ? -1 : head.indexOf(newline, this.#at);
    if (end < 0) return this.#lineAcrossChunks();
    if (end - this.#at >= this.#lineLimit) throw this.#tooLong();
    if (end - this.#at < this.#windowSize) {
      this.#windowStart = this.#at;
      this.#window = head.toString('latin1', this.#at, this.#at + this.#windowSize);
      return this.tryLine();
    }
    const line = head.toString('latin1', this.#at, end);
    this.#takeFromHead(end + 1 - this.#at);
    return this.#finish(line);
  }

  #lineAcrossChunks(): string | undefined {
    for (;;) {
      const chunk = this.#chunks[this.#head + this.#scannedChunks];
      if (chunk === undefined) {
        if (this.#scannedBytes >= this.#lineLimit) throw this.#tooLong();
        return undefined;
      }
      const from = this.#scannedChunks === 0 ? this.#at : 0;
      const end = chunk.indexOf(newline, from);
      if (this.#scannedBytes + (end < 0 ? 0 : end - from) >= this.#lineLimit) throw this.#tooLong();
      if (end >= 0) return this.#joinLine(end);
      this.#scannedChunks += 1;
      this.#scannedBytes += chunk.length - from;
    }
  }

  /** The line that ends at `end` in the first chunk that is not among the scanned ones. */
  #joinLine(end: number): string {
    let line = '';
    for (let count = this.#scannedChunks; count > 0; count -= 1) {
      const head = this.#chunks[this.#head] as Buffer;
      line += head.toString('latin1', this.#at);
      this.#takeFromHead(head.length - this.#at);
    }
    line += (this.#chunks[this.#head] as Buffer).toString('latin1', this.#at, end);
    this.#takeFromHead(end + 1 - this.#at);
    this.#forgetScan();
    return this.#finish(line);
  }

  #finish(line: string): string {
    return line.charCodeAt(line.length - 1) === 13 ? line.slice(0, -1) : line;
  }

  #takeFromHead(count: number): void {
    this.#at += count;
    this.#buffered -= count;
    if (this.#at < (this.#chunks[this.#head] as Buffer).length) return;
    this.#at = 0;
    this.#head += 1;
    this.#window = '';
    this.#windowStart = 0;
    if (this.#head === this.#chunks.length || this.#head >= 1024) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #forgetScan(): void {
    this.#scannedChunks = 0;
    this.#scannedBytes = 0;
  }

  #tooLong(): ProtocolError {
    return new ProtocolError('LINE_TOO_LONG', `Line too long (more than ${this.#lineLimit} bytes).`);
  }
}
