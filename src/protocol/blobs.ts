import { isDecimal } from './numbers.ts';

/**
 * Why a blob does not follow its header line:
 * - `UNAVAILABLE`: `octet-stream -1`, the sender could not make it; the stream is in step.
 * - `IO_ERROR`: the line `ERROR`, the sender failed before it began; the stream is in step.
 * - `MALFORMED`, `TOO_LARGE`: not a header that we can follow; the stream is out of step.
 */
export type BlobTrouble = 'UNAVAILABLE' | 'IO_ERROR' | 'MALFORMED' | 'TOO_LARGE';

const start = 'octet-stream ';

/** The header line of a blob of `size` bytes, without newline. */
export function formatBlobHeader(size: number): string {
  return start + String(size);
}

/** Tells the peer, in place of a header, that there will be no blob. */
export const blobUnavailable = 'octet-stream -1';

/** The number of bytes that follow this header line (without newline), or why none do. */
export function parseBlobHeader(line: string): number | BlobTrouble {
  if (!line.startsWith(start)) return line === 'ERROR' ? 'IO_ERROR' : 'MALFORMED';
  const digits = line.slice(start.length);
  if (isDecimal(digits)) {
    const size = Number(digits);
    return Number.isSafeInteger(size) ? size : 'TOO_LARGE';
  }
  return digits === '-1' ? 'UNAVAILABLE' : 'MALFORMED';
}
