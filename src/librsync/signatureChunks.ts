import { setImmediate } from 'node:timers/promises';
import { LibrsyncError } from './errors.ts';
import {
  DEFAULT_PARAMETERS,
  readSignatureHeader,
  SIGNATURE_HEADER_BYTES,
  signatureLength,
  writeSignatureHeader,
  type SignatureParameters,
} from './format.ts';
import { signRange } from './signature.ts';
import { hashInThread, threadsAreUp } from './workerPool.ts';

export interface ChunkOptions {
  /** Worker threads that hash a large file: 0 (none: this thread, which gives way to others) to 8. Default 2. */
  readonly threads?: number;
}

const DEFAULT_THREADS = 2;
const MOST_THREADS = 8;
/** Files up to this size are hashed by this thread: a few milliseconds. */
const SMALL = 8 * 1024 * 1024;
/** Bytes of a file that make one chunk: a millisecond or two. */
const RANGE = 4 * 1024 * 1024;
/** Ranges under way for each thread: it need not wait for this one. */
const AHEAD = 2;

/**
 * The signature of the file open at `fd`, of `size` bytes, in chunks: `signatureLength(size, parameters)` bytes in all,
 * in little memory. `fd` is read at explicit positions, and has to stay open until the generator has ended.
 * @throws LibrsyncError CHANGED when the file is shorter than `size`, RANGE for bad parameters; system errors.
 */
export async function* signatureChunks(
  fd: number,
  size: number,
  parameters: SignatureParameters = DEFAULT_PARAMETERS,
  options: ChunkOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const threads = options.threads ?? DEFAULT_THREADS;
  if (!Number.isInteger(threads) || threads < 0 || threads > MOST_THREADS)
    throw new LibrsyncError('RANGE', `${threads} is not a number of threads from 0 to ${MOST_THREADS}`);
  const total = signatureLength(size, parameters);
  const header = Buffer.allocUnsafe(SIGNATURE_HEADER_BYTES);
  writeSignatureHeader(header, parameters);
  yield header;
  let made = header.length;
  const parts = threads > 0 && size > SMALL ? threaded(fd, size, parameters, threads) : own(fd, size, parameters);
  for await (const records of parts) {
    made += records.length;
    yield records;
  }
  if (made !== total) throw new LibrsyncError('CHANGED', 'the file became shorter while it was hashed');
}

/** Bytes of whole blocks in a range of about `bytes`. */
function wholeBlocks(bytes: number, { blockLength }: SignatureParameters): number {
  return bytes - (bytes % blockLength);
}

/** The records of a range of whole blocks; fewer than expected when the file ends early. */
function hashHere(fd: number, position: number, bytes: number, parameters: SignatureParameters): Buffer {
  const records = Buffer.allocUnsafe(Math.ceil(bytes / parameters.blockLength) * (4 + parameters.strongLength));
  return records.subarray(0, signRange(fd, position, bytes, parameters, records, 0));
}

async function* own(fd: number, size: number, parameters: SignatureParameters): AsyncGenerator<Buffer> {
  const range = wholeBlocks(RANGE, parameters);
  for (let position = 0; position < size; position += range) {
    if (position > 0) await setImmediate();
    yield hashHere(fd, position, Math.min(range, size - position), parameters);
  }
}

async function* threaded(
  fd: number,
  size: number,
  parameters: SignatureParameters,
  threads: number,
): AsyncGenerator<Buffer> {
  const range = wholeBlocks(RANGE, parameters);
  const underWay: Promise<Buffer>[] = [];
  let position = 0;
  try {
    for (;;) {
      for (; underWay.length < threads * AHEAD && position < size; position += range) {
        const job = hashInThread({ fd, position, bytes: Math.min(range, size - position), parameters }, threads);
        underWay.push(job);
        // Should it fail before its turn comes, that is heard of when it does.
        job.catch(() => undefined);
      }
      // Until the threads are up this one works as well, giving way to others in between.
      for (; !threadsAreUp() && position < size; position += range) {
        const records = hashHere(fd, position, Math.min(range, size - position), parameters);
        underWay.push(Promise.resolve(records));
        await setImmediate();
      }
      const next = underWay.shift();
      if (next === undefined) return;
      yield await next;
    }
  } finally {
    // The caller may close the file now: nobody may still be reading it.
    await Promise.allSettled(underWay);
  }
}

/**
 * Whether the file open at `fd`, of `size` bytes, has exactly the signature that comes in `chunks`: for large files. The
 * chunks are always taken to their end, also when the answer is clear before.
 * @throws LibrsyncError TRUNCATED, BAD_MAGIC or RANGE for what is no signature; system errors of reading.
 */
export async function matchesSignatureChunks(
  fd: number,
  size: number,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ChunkOptions = {},
): Promise<boolean> {
  let head: Uint8Array = new Uint8Array(0);
  let own: AsyncGenerator<Uint8Array, void, undefined> | undefined;
  let ours: Uint8Array = head;
  let same = true;
  for await (const chunk of chunks) {
    let theirs = chunk;
    if (own === undefined) {
      head = Buffer.concat([head, chunk]);
      if (head.length < SIGNATURE_HEADER_BYTES) continue;
      own = signatureChunks(fd, size, readSignatureHeader(head), options);
      theirs = head;
    }
    while (same && theirs.length > 0) {
      if (ours.length === 0) {
        const next = await own.next();
        if (next.done === true) same = false;
        else ours = next.value;
        continue;
      }
      const length = Math.min(ours.length, theirs.length);
      same = Buffer.compare(ours.subarray(0, length), theirs.subarray(0, length)) === 0;
      ours = ours.subarray(length);
      theirs = theirs.subarray(length);
    }
    if (!same) await own.return();
  }
  if (own === undefined) throw new LibrsyncError('TRUNCATED', 'signature header is incomplete');
  if (!same) return false;
  return ours.length === 0 && (await own.next()).done === true;
}
