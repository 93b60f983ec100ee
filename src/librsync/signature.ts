import { readSync } from 'node:fs';
import {
  DEFAULT_PARAMETERS,
  readSignatureHeader,
  SIGNATURE_HEADER_BYTES,
  signatureLength,
  writeSignatureHeader,
  type SignatureParameters,
} from './format.ts';
import { releaseKernel, takeKernel, type Kernel } from './kernel.ts';

/** Bytes of a file that are read and hashed in one go: fits the cache, and its records fit the kernel's memory. */
const STEP = 512 * 1024;

/** The most bytes within one step that are whole blocks. */
export function stepBytes(blockLength: number): number {
  return STEP - (STEP % blockLength);
}

/** Reads up to `bytes` bytes at `position` into the kernel's window, from `at` on; fewer only at the end of the file. */
export function fillWindow(kernel: Kernel, at: number, fd: number, position: number, bytes: number): number {
  let filled = 0;
  while (filled < bytes) {
    const got = readSync(fd, kernel.bytes, kernel.window + at + filled, bytes - filled, position + filled);
    if (got === 0) break;
    filled += got;
  }
  return filled;
}

/** Makes the records of the window's first `bytes` bytes; they are at `kernel.records`. Returns their length. */
export function signWindow(kernel: Kernel, bytes: number, { blockLength, strongLength }: SignatureParameters): number {
  kernel.exports.sign(kernel.window, bytes, blockLength, strongLength, kernel.records);
  return Math.ceil(bytes / blockLength) * (4 + strongLength);
}

/**
 * Writes the records of up to `bytes` bytes of a file, from the start of a block at `position` on, to `target` at `at`.
 * Returns the position behind them; it is lower than expected when the file ends early.
 */
export function signRange(
  fd: number,
  position: number,
  bytes: number,
  parameters: SignatureParameters,
  target: Buffer,
  at: number,
): number {
  const kernel = takeKernel();
  try {
    const step = stepBytes(parameters.blockLength);
    let written = at;
    for (let done = 0; done < bytes; done += step) {
      const wanted = Math.min(step, bytes - done);
      const got = fillWindow(kernel, 0, fd, position + done, wanted);
      const length = signWindow(kernel, got, parameters);
      kernel.bytes.copy(target, written, kernel.records, kernel.records + length);
      written += length;
      if (got < wanted) break;
    }
    return written;
  } finally {
    releaseKernel(kernel);
  }
}

/**
 * The signature of the file open at `fd`, synchronously: for small files. Signs what is there, up to `size` bytes: the
 * result is shorter than `signatureLength(size)` when the file is shorter. The descriptor's offset is not used.
 * @throws LibrsyncError RANGE for bad parameters; system errors of reading.
 */
export function signFile(fd: number, size: number, parameters: SignatureParameters = DEFAULT_PARAMETERS): Uint8Array {
  const result = Buffer.allocUnsafe(signatureLength(size, parameters));
  writeSignatureHeader(result, parameters);
  if (size === 0) return result;
  const end = signRange(fd, 0, size, parameters, result, SIGNATURE_HEADER_BYTES);
  return end === result.length ? result : result.subarray(0, end);
}

/** The signature of bytes in memory. */
export function signBytes(data: Uint8Array, parameters: SignatureParameters = DEFAULT_PARAMETERS): Uint8Array {
  const result = Buffer.allocUnsafe(signatureLength(data.length, parameters));
  writeSignatureHeader(result, parameters);
  const kernel = takeKernel();
  try {
    let written = SIGNATURE_HEADER_BYTES;
    const step = stepBytes(parameters.blockLength);
    for (let position = 0; position < data.length; position += step) {
      const part = data.subarray(position, position + step);
      kernel.bytes.set(part, kernel.window);
      const length = signWindow(kernel, part.length, parameters);
      written += kernel.bytes.copy(result, written, kernel.records, kernel.records + length);
    }
  } finally {
    releaseKernel(kernel);
  }
  return result;
}

/**
 * Whether the file open at `fd`, of `size` bytes, has exactly this signature; its parameters are taken from its header.
 * Synchronous: for small files. A signature of another length is answered without reading the file.
 * @throws LibrsyncError TRUNCATED, BAD_MAGIC or RANGE for what is no signature; system errors of reading.
 */
export function matchesSignature(fd: number, size: number, signature: Uint8Array): boolean {
  const parameters = readSignatureHeader(signature);
  if (signature.length !== signatureLength(size, parameters)) return false;
  const kernel = takeKernel();
  try {
    const step = stepBytes(parameters.blockLength);
    let compared = SIGNATURE_HEADER_BYTES;
    for (let position = 0; position < size; position += step) {
      const wanted = Math.min(step, size - position);
      if (fillWindow(kernel, 0, fd, position, wanted) < wanted) return false;
      const length = signWindow(kernel, wanted, parameters);
      if (!sameRecords(kernel, signature, compared, length)) return false;
      compared += length;
    }
  } finally {
    releaseKernel(kernel);
  }
  return true;
}

/** Whether the kernel's first `length` bytes of records are those at `at` in `signature`. */
function sameRecords(kernel: Kernel, signature: Uint8Array, at: number, length: number): boolean {
  return kernel.bytes.compare(signature, at, at + length, kernel.records, kernel.records + length) === 0;
}
