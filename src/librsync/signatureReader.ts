import { LibrsyncError } from './errors.ts';
import {
  checkParameters,
  DEFAULT_PARAMETERS,
  readSignatureHeader,
  SIGNATURE_HEADER_BYTES,
  type SignatureParameters,
} from './format.ts';
import { Kernel } from './kernel.ts';

/** Records up to this many bytes stay a plain buffer; more go where they are needed, into a kernel of their own. */
const LARGEST_PLAIN = 1024 * 1024;
const FIRST_PLAIN = 1024;
/** 32 GiB in blocks of 2,048 bytes; about 540 MiB of memory. */
const DEFAULT_MAX_BLOCKS = 2 ** 24;
/** What a slot of the hash table can number; with 40 bytes each it fits the 4 GiB that a WASM memory can have. */
const MOST_BLOCKS = 2 ** 26 - 1;

/** Where the records of a signature are: in a buffer, or at `kernel.signature` of a kernel that belongs to it. */
export type Records =
  { readonly bytes: Uint8Array; readonly kernel?: never } | { readonly kernel: Kernel; readonly bytes?: never };

/** A signature that was read, to make deltas against. */
export class Signature implements SignatureParameters {
  readonly blockLength: number;
  readonly strongLength: number;
  readonly blockCount: number;
  /** False when blocks beyond the reader's limit were left out: deltas are right, but may be longer. */
  readonly complete: boolean;
  /** For this room's own use. */
  readonly records: Records;
  /** For this room's own use: whether the kernel in `records` has the signature indexed. */
  indexed = false;
  /** For this room's own use: whether a delta is being planned with it. */
  busy = false;

  constructor(parameters: SignatureParameters, records: Records, blockCount: number, complete: boolean) {
    this.blockLength = parameters.blockLength;
    this.strongLength = parameters.strongLength;
    this.blockCount = blockCount;
    this.complete = complete;
    this.records = records;
  }
}

/** The signature of nothing: a delta against it is the file itself. */
export const EMPTY_SIGNATURE = new Signature(DEFAULT_PARAMETERS, { bytes: new Uint8Array(0) }, 0, true);

export interface SignatureReaderOptions {
  /** Blocks beyond this many are checked and left out. Each takes less than 40 bytes. Default 2^24, at most 2^26 - 1. */
  readonly maxBlocks?: number;
}

/** Reads a signature from chunks of any size. */
export class SignatureReader {
  readonly #header = new Uint8Array(SIGNATURE_HEADER_BYTES);
  readonly #maxBlocks: number;
  #parameters: SignatureParameters | undefined;
  #received = 0;
  #plain = new Uint8Array(0);
  #kernel: Kernel | undefined;
  #stored = 0;

  constructor(options: SignatureReaderOptions = {}) {
    this.#maxBlocks = Math.min(options.maxBlocks ?? DEFAULT_MAX_BLOCKS, MOST_BLOCKS);
  }

  /** Takes the next bytes; nothing refers to them afterwards. @throws LibrsyncError BAD_MAGIC or RANGE. */
  push(chunk: Uint8Array): void {
    let data = chunk;
    if (this.#parameters === undefined) {
      const part = data.subarray(0, SIGNATURE_HEADER_BYTES - this.#received);
      this.#header.set(part, this.#received);
      this.#received += part.length;
      if (this.#received < SIGNATURE_HEADER_BYTES) return;
      this.#parameters = readSignatureHeader(this.#header);
      data = data.subarray(part.length);
    }
    this.#received += data.length;
    const room = this.#maxBlocks * (4 + this.#parameters.strongLength) - this.#stored;
    if (data.length > room) data = data.subarray(0, room);
    if (data.length > 0) this.#store(data);
  }

  /** The signature, when all of it was pushed. @throws LibrsyncError TRUNCATED. */
  finish(): Signature {
    const parameters = this.#parameters;
    if (parameters === undefined) throw new LibrsyncError('TRUNCATED', 'signature header is incomplete');
    const stride = 4 + parameters.strongLength;
    const body = this.#received - SIGNATURE_HEADER_BYTES;
    if (body % stride !== 0) throw new LibrsyncError('TRUNCATED', 'signature ends within a record');
    const records =
      this.#kernel === undefined ? { bytes: this.#plain.subarray(0, this.#stored) } : { kernel: this.#kernel };
    return new Signature(parameters, records, this.#stored / stride, this.#stored === body);
  }

  #store(data: Uint8Array): void {
    const needed = this.#stored + data.length;
    if (this.#kernel === undefined && needed > LARGEST_PLAIN) {
      this.#kernel = new Kernel();
      this.#reserve(this.#kernel, needed);
      this.#kernel.bytes.set(this.#plain.subarray(0, this.#stored), this.#kernel.signature);
      this.#plain = new Uint8Array(0);
    }
    if (this.#kernel !== undefined) {
      this.#reserve(this.#kernel, needed);
      this.#kernel.bytes.set(data, this.#kernel.signature + this.#stored);
    } else {
      if (needed > this.#plain.length) {
        const larger = new Uint8Array(Math.max(needed, 2 * this.#plain.length, FIRST_PLAIN));
        larger.set(this.#plain.subarray(0, this.#stored));
        this.#plain = larger;
      }
      this.#plain.set(data, this.#stored);
    }
    this.#stored = needed;
  }

  /** Room for `length` bytes of records; an eighth more, so that growing happens rarely. */
  #reserve(kernel: Kernel, length: number): void {
    const end = kernel.signature + length;
    if (end > kernel.memoryBytes) kernel.reserve(end + Math.ceil(length / 8));
  }
}

/** Reads a signature that is in memory as a whole. The bytes are not copied: they must stay as they are. */
export function parseSignature(bytes: Uint8Array): Signature {
  const parameters = readSignatureHeader(bytes);
  const body = bytes.subarray(SIGNATURE_HEADER_BYTES);
  const stride = 4 + parameters.strongLength;
  if (body.length > LARGEST_PLAIN) {
    const reader = new SignatureReader({ maxBlocks: MOST_BLOCKS });
    reader.push(bytes);
    return reader.finish();
  }
  if (body.length % stride !== 0) throw new LibrsyncError('TRUNCATED', 'signature ends within a record');
  return new Signature(parameters, { bytes: body }, body.length / stride, true);
}

/** A signature without blocks for these parameters, as a header alone gives it. */
export function emptySignature(parameters: SignatureParameters): Signature {
  checkParameters(parameters);
  return new Signature(parameters, EMPTY_SIGNATURE.records, 0, true);
}
