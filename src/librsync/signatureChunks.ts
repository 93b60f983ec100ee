import { LibrsyncError } from './errors.ts';
import {
  checkParameters,
  checkSize,
  DEFAULT_PARAMETERS,
  readSignatureHeader,
  SIGNATURE_HEADER_BYTES,
  writeSignatureHeader,
  type SignatureParameters,
} from './format.ts';
import { takeKernel, releaseKernel } from './kernel.ts';
import { fillWindow, signWindow, stepBytes } from './signature.ts';

export interface ChunkOptions {
  /** Worker threads that hash a large file: 0–8. Default 2. */
  readonly threads?: number;
}

/** The header of a signature. */
function headerBytes(parameters: SignatureParameters): Uint8Array {
  const header = Buffer.allocUnsafe(SIGNATURE_HEADER_BYTES);
  writeSignatureHeader(header, parameters);
  return header;
}

/**
 * The signature of the file open at `fd`, of `size` bytes, in chunks: `signatureLength(size, parameters)` bytes in all,
 * in little memory. Descriptors are read at explicit positions.
 * @throws LibrsyncError CHANGED when the file is shorter than `size`, RANGE for bad parameters; system errors.
 */
export async function* signatureChunks(
  fd: number,
  size: number,
  parameters: SignatureParameters = DEFAULT_PARAMETERS,
  options: ChunkOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  checkParameters(parameters);
  checkSize(size);
  if ((options.threads ?? 2) < 0) throw new LibrsyncError('RANGE', 'a negative number of threads');
  yield headerBytes(parameters);
  const step = stepBytes(parameters.blockLength);
  for (let position = 0; position < size; position += step) {
    yield signRange(fd, position, Math.min(step, size - position), parameters);
  }
}

/** The records of `bytes` bytes of a file, at most `stepBytes`, from a block's start on. */
export function signRange(fd: number, position: number, bytes: number, parameters: SignatureParameters): Uint8Array {
  const kernel = takeKernel();
  try {
    if (fillWindow(kernel, 0, fd, position, bytes) < bytes)
      throw new LibrsyncError('CHANGED', `file is shorter than ${position + bytes}: it became shorter`);
    const length = signWindow(kernel, bytes, parameters);
    const records = Buffer.allocUnsafe(length);
    kernel.bytes.copy(records, 0, kernel.records, kernel.records + length);
    return records;
  } finally {
    releaseKernel(kernel);
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
