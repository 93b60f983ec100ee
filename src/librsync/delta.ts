import { readSync } from 'node:fs';
import { LibrsyncError } from './errors.ts';
import {
  copyLength,
  DELTA_MAGIC,
  literalHeaderLength,
  OP_END,
  writeCopy,
  writeLiteralHeader,
  writeUint,
} from './format.ts';

/** The longest command without its data: opcode and two numbers of 8 bytes. */
const LONGEST_COMMAND = 17;
const LEAST_CHUNK = 32;
const DEFAULT_CHUNK = 64 * 1024;
/** In place of the basis offset of a command: its bytes come from the new file. */
const LITERAL = -1;

/**
 * A delta before it is written: which ranges of the new file are in the basis, and which have to be sent. Takes 16
 * bytes of memory a command; the literal bytes themselves are read when the delta is written.
 */
export class DeltaPlan {
  /** Pairs: offset in the basis or LITERAL, length. In the order of the new file, which they cover without a gap. */
  #commands = new Float64Array(8);
  #used = 0;
  #byteLength = 5;
  #literalBytes = 0;
  #copiedBytes = 0;

  /** Exact length of the delta in bytes. */
  get byteLength(): number {
    return this.#byteLength;
  }
  /** Bytes of the new file that the delta carries. */
  get literalBytes(): number {
    return this.#literalBytes;
  }
  /** Bytes of the new file that are taken from the basis. */
  get copiedBytes(): number {
    return this.#copiedBytes;
  }
  /** Number of commands without the end. */
  get commandCount(): number {
    return this.#used / 2;
  }

  /** Says that the next `length` bytes of the new file are sent. For this room's own use. */
  addLiteral(length: number): void {
    if (length === 0) return;
    this.#literalBytes += length;
    const last = this.#used - 2;
    if (last < 0 || this.#commands[last] !== LITERAL) {
      this.#byteLength += literalHeaderLength(length) + length;
      this.#append(LITERAL, length);
      return;
    }
    const before = this.#commands[last + 1] as number;
    this.#byteLength += literalHeaderLength(before + length) - literalHeaderLength(before) + length;
    this.#commands[last + 1] = before + length;
  }

  /** Says that the next `length` bytes of the new file are at `offset` in the basis. For this room's own use. */
  addCopy(offset: number, length: number): void {
    if (length === 0) return;
    this.#copiedBytes += length;
    const last = this.#used - 2;
    const lastOffset = last < 0 ? LITERAL : (this.#commands[last] as number);
    const lastLength = last < 0 ? 0 : (this.#commands[last + 1] as number);
    if (lastOffset === LITERAL || lastOffset + lastLength !== offset) {
      this.#byteLength += copyLength(offset, length);
      this.#append(offset, length);
      return;
    }
    this.#byteLength += copyLength(lastOffset, lastLength + length) - copyLength(lastOffset, lastLength);
    this.#commands[last + 1] = lastLength + length;
  }

  #append(offset: number, length: number): void {
    if (this.#used === this.#commands.length) {
      const larger = new Float64Array(this.#used * 2);
      larger.set(this.#commands);
      this.#commands = larger;
    }
    this.#commands[this.#used] = offset;
    this.#commands[this.#used + 1] = length;
    this.#used += 2;
  }

  /**
   * The delta in chunks of at most `chunkBytes` (at least 32), each a buffer of its own. `fd` is the new file, read at
   * explicit positions. Together they have `byteLength` bytes, whatever happens to the file's content meanwhile.
   * @throws LibrsyncError CHANGED when the file is shorter than it was, RANGE for a bad `chunkBytes`; system errors.
   */
  *chunks(fd: number, chunkBytes: number = DEFAULT_CHUNK): Generator<Uint8Array, void, undefined> {
    if (chunkBytes < LEAST_CHUNK && chunkBytes < this.#byteLength)
      throw new LibrsyncError('RANGE', `chunks of ${chunkBytes} bytes`);
    let left = this.#byteLength;
    let chunk = Buffer.allocUnsafe(Math.min(chunkBytes, left));
    let used = writeUint(chunk, 0, DELTA_MAGIC, 4);
    let position = 0;
    for (let i = 0; i < this.#used; i += 2) {
      const offset = this.#commands[i] as number;
      const length = this.#commands[i + 1] as number;
      // Only the last chunk may lack this room, and then because nothing longer is left.
      if (chunk.length - used < LONGEST_COMMAND && chunk.length < left) {
        yield chunk.subarray(0, used);
        left -= used;
        chunk = Buffer.allocUnsafe(Math.min(chunkBytes, left));
        used = 0;
      }
      if (offset !== LITERAL) {
        used = writeCopy(chunk, used, offset, length);
        position += length;
        continue;
      }
      used = writeLiteralHeader(chunk, used, length);
      for (const end = position + length; position < end;) {
        if (used === chunk.length) {
          yield chunk;
          left -= used;
          chunk = Buffer.allocUnsafe(Math.min(chunkBytes, left));
          used = 0;
        }
        const got = readSync(fd, chunk, used, Math.min(end - position, chunk.length - used), position);
        if (got === 0) throw new LibrsyncError('CHANGED', `file ends at ${position}: it became shorter`);
        used += got;
        position += got;
      }
    }
    if (used === chunk.length) {
      yield chunk;
      chunk = Buffer.allocUnsafe(1);
      used = 0;
    }
    chunk[used] = OP_END;
    yield chunk.subarray(0, used + 1);
  }

  /** The whole delta in one buffer: for small files. @throws like `chunks`. */
  toBytes(fd: number): Uint8Array {
    for (const chunk of this.chunks(fd, this.#byteLength)) return chunk;
    throw new LibrsyncError('CORRUPT', 'a delta has at least one chunk');
  }
}
