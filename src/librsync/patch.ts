import { readSync, writeSync } from 'node:fs';
import { LibrsyncError } from './errors.ts';
import { checkSize, DELTA_MAGIC, LAST_COPY, MAX_INLINE_LITERAL, OP_COPY, OP_END, readUint } from './format.ts';

export interface PatchOptions {
  /** The file that the delta refers to, open for reading; undefined: there is none, its size is 0. */
  readonly basis: number | undefined;
  /** Bytes of the basis that may be copied from. */
  readonly basisSize: number;
  /** The file that is made, open for writing and empty; written from position 0 on. */
  readonly output: number;
  /** The most bytes that the result may have. Default: no limit. */
  readonly maxSize?: number;
}

/** What is gathered before it is written. One for all patchers: it is empty between calls. */
const gathered = Buffer.allocUnsafeSlow(256 * 1024);

/** Pieces of literals from this size on are written as they are, without being gathered. */
const DIRECT = 16 * 1024;

/** Bytes written between two turns of other work. */
const TURN_BYTES = 8 << 20;

/** Bytes of numbers that follow an opcode; 0 for inline literals and the end. */
function argumentBytes(opcode: number): number {
  if (opcode <= MAX_INLINE_LITERAL) return 0;
  if (opcode < OP_COPY) return 1 << (opcode - MAX_INLINE_LITERAL - 1);
  return offsetBytes(opcode) + (1 << ((opcode - OP_COPY) & 3));
}

function offsetBytes(opcode: number): number {
  return 1 << ((opcode - OP_COPY) >> 2);
}

/**
 * Applies a delta that comes in chunks of any size. Everything is checked before it is used; nothing but `output` is
 * written. After an error the output is of no use, and so is the patcher.
 */
export class Patcher {
  readonly #basis: number;
  readonly #basisSize: number;
  readonly #output: number;
  readonly #maxSize: number;
  #state: 'opcode' | 'numbers' | 'literal' | 'ended' = 'opcode';
  /** The magic, or an opcode, with the numbers that follow it, as far as they have arrived. */
  readonly #head = new Uint8Array(17);
  #headBytes = 0;
  #headWanted = 4;
  #magicSeen = false;
  /** Bytes of the current literal that have not arrived. */
  #literalLeft = 0;
  /** The copy under way: where it goes on in the basis, and what is left of it. */
  #copyFrom = 0;
  #copyLeft = 0;
  /** Bytes in the output file, and bytes in `gathered` that come next. */
  #written = 0;
  #pending = 0;

  constructor({ basis, basisSize, output, maxSize = Number.MAX_SAFE_INTEGER }: PatchOptions) {
    checkSize(basisSize);
    if (basis === undefined && basisSize > 0) throw new LibrsyncError('RANGE', 'a basis of some size, but no file');
    this.#basis = basis ?? -1;
    this.#basisSize = basisSize;
    this.#output = output;
    this.#maxSize = maxSize;
  }

  /** True when the end command has arrived. */
  get ended(): boolean {
    return this.#state === 'ended';
  }

  /**
   * Takes the next bytes of the delta and writes what they make.
   * @throws LibrsyncError BAD_MAGIC, CORRUPT, RANGE, TOO_LARGE, or CHANGED when the basis is shorter than it was;
   * system errors of reading and writing.
   */
  push(chunk: Uint8Array): void {
    const steps = this.steps(chunk);
    while (steps.next().done !== true);
  }

  /**
   * Like `push`, in steps: a few bytes of delta can ask for gigabytes of copying, and a caller that has other work gives it
   * a turn at each yield. The chunk is used up, and the next may come, when the generator ends.
   */
  *steps(chunk: Uint8Array): Generator<undefined, void, undefined> {
    try {
      let at = 0;
      let turn = this.#written;
      while (this.#copyLeft > 0 || at < chunk.length) {
        if (this.#copyLeft > 0) this.#copySome();
        else at = this.#take(chunk, at);
        if (this.#written - turn < TURN_BYTES) continue;
        // The buffer belongs to all patchers: it has to be empty while others have their turn.
        this.#flush();
        turn = this.#written;
        yield;
      }
      this.#flush();
    } finally {
      this.#pending = 0;
    }
  }

  /** Bytes of the result, when all of the delta was pushed. @throws LibrsyncError TRUNCATED. */
  finish(): number {
    if (this.#state !== 'ended') throw new LibrsyncError('TRUNCATED', 'delta ends before its end command');
    return this.#written;
  }

  /** Uses some bytes of the chunk from `at` on, at least one, and returns the position behind them. */
  #take(chunk: Uint8Array, at: number): number {
    if (this.#state === 'literal') return this.#takeLiteral(chunk, at);
    if (this.#state === 'ended') throw new LibrsyncError('CORRUPT', 'delta goes on behind its end command');
    if (this.#state === 'opcode' && this.#magicSeen) {
      this.#takeOpcode(chunk[at] as number);
      return at + 1;
    }
    let next = at;
    while (this.#headBytes < this.#headWanted && next < chunk.length) {
      this.#head[this.#headBytes++] = chunk[next++] as number;
    }
    if (this.#headBytes < this.#headWanted) return next;
    if (this.#magicSeen) this.#runCommand();
    else this.#checkMagic();
    this.#headBytes = 0;
    return next;
  }

  #checkMagic(): void {
    if (readUint(this.#head, 0, 4) !== DELTA_MAGIC) throw new LibrsyncError('BAD_MAGIC', 'not a delta');
    this.#magicSeen = true;
  }

  #takeOpcode(opcode: number): void {
    if (opcode === OP_END) {
      this.#state = 'ended';
    } else if (opcode <= MAX_INLINE_LITERAL) {
      this.#beginLiteral(opcode);
    } else if (opcode <= LAST_COPY) {
      this.#state = 'numbers';
      this.#head[0] = opcode;
      this.#headBytes = 1;
      this.#headWanted = 1 + argumentBytes(opcode);
    } else {
      throw new LibrsyncError('CORRUPT', `0x${opcode.toString(16)} is not a delta command`);
    }
  }

  #runCommand(): void {
    const opcode = this.#head[0] as number;
    const numbers = this.#headWanted - 1;
    if (opcode < OP_COPY) {
      this.#beginLiteral(readUint(this.#head, 1, numbers));
      return;
    }
    const width = offsetBytes(opcode);
    this.#copy(readUint(this.#head, 1, width), readUint(this.#head, 1 + width, numbers - width));
    this.#state = 'opcode';
  }

  /** Throws unless the result may grow by `length` bytes. */
  #checkLength(length: number): void {
    if (length === 0) throw new LibrsyncError('CORRUPT', 'a delta command of length 0');
    if (!Number.isSafeInteger(length)) throw new LibrsyncError('RANGE', 'a delta command of absurd length');
    if (length > this.#maxSize - this.#written - this.#pending)
      throw new LibrsyncError('TOO_LARGE', `the result would exceed ${this.#maxSize} bytes`);
  }

  #beginLiteral(length: number): void {
    this.#checkLength(length);
    this.#literalLeft = length;
    this.#state = 'literal';
  }

  #takeLiteral(chunk: Uint8Array, at: number): number {
    const length = Math.min(this.#literalLeft, chunk.length - at);
    if (length >= DIRECT || length > gathered.length - this.#pending) this.#flush();
    if (length >= DIRECT) {
      this.#write(chunk, at, length);
    } else {
      gathered.set(at === 0 && length === chunk.length ? chunk : chunk.subarray(at, at + length), this.#pending);
      this.#pending += length;
    }
    this.#literalLeft -= length;
    if (this.#literalLeft === 0) this.#state = 'opcode';
    return at + length;
  }

  #copy(offset: number, length: number): void {
    this.#checkLength(length);
    if (offset > this.#basisSize || length > this.#basisSize - offset)
      throw new LibrsyncError('RANGE', `a copy of ${length} bytes at ${offset} from a basis of ${this.#basisSize}`);
    this.#copyFrom = offset;
    this.#copyLeft = length;
  }

  /** A part of the copy under way, as much as the buffer takes. */
  #copySome(): void {
    if (this.#pending === gathered.length) this.#flush();
    const room = Math.min(this.#copyLeft, gathered.length - this.#pending);
    const got = readSync(this.#basis, gathered, this.#pending, room, this.#copyFrom);
    if (got === 0) throw new LibrsyncError('CHANGED', `basis ends at ${this.#copyFrom}: it became shorter`);
    this.#pending += got;
    this.#copyFrom += got;
    this.#copyLeft -= got;
  }

  #flush(): void {
    const length = this.#pending;
    this.#pending = 0;
    if (length > 0) this.#write(gathered, 0, length);
  }

  #write(source: Uint8Array, at: number, length: number): void {
    for (let done = 0; done < length;) {
      const written = writeSync(this.#output, source, at + done, length - done, this.#written);
      this.#written += written;
      done += written;
    }
  }
}
