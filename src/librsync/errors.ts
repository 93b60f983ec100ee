/**
 * - `BAD_MAGIC`: not the kind of stream that was announced (or one with another hash).
 * - `TRUNCATED`: the stream ended too early.
 * - `CORRUPT`: a command or a header that the format does not have, or bytes after the end.
 * - `RANGE`: a number outside its limits: a parameter, a length, a copy from outside the basis.
 * - `TOO_LARGE`: the result would exceed the limit that the caller set.
 * - `CHANGED`: a file became shorter while it was being read.
 */
export type LibrsyncErrorCode = 'BAD_MAGIC' | 'TRUNCATED' | 'CORRUPT' | 'RANGE' | 'TOO_LARGE' | 'CHANGED';

/** What is wrong with a signature, a delta, a parameter or a file in use. Trouble of the disk stays a system error. */
export class LibrsyncError extends Error {
  readonly code: LibrsyncErrorCode;
  constructor(code: LibrsyncErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LibrsyncError';
    this.code = code;
  }
}
