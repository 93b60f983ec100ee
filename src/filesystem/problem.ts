import { toText } from '../bytes/bytes.ts';

/**
 * Trouble with one file, as data. `code` is an errno name (`EACCES`) or one of:
 * - `PARENT_MISSING`: the directory that the path names an object in does not exist;
 * - `IMPURE`: a parent of the path is a symbolic link, which is never followed;
 * - `NOT_REGULAR`: content was asked of something that is neither a regular file nor a directory.
 *
 * `message` is what strerror(3) says where there is an errno: it travels to peers as a reply line.
 */
export class Problem {
  readonly code: string;
  /** Byte string: the path on this host that the trouble is about. */
  readonly path: string;
  readonly message: string;

  constructor(code: string, path: string, message: string = messageFor(code)) {
    this.code = code;
    this.path = path;
    this.message = message;
  }

  /** For people: `/a/b: Permission denied`. */
  toString(): string {
    return `${toText(this.path)}: ${this.message}`;
  }
}

const messages: Readonly<Record<string, string>> = {
  PARENT_MISSING: 'Parent dir missing.',
  IMPURE: 'A parent directory is a symbolic link',
  NOT_REGULAR: 'Not a regular file',
  E2BIG: 'Argument list too long',
  EACCES: 'Permission denied',
  EAGAIN: 'Resource temporarily unavailable',
  EBADF: 'Bad file descriptor',
  EBUSY: 'Device or resource busy',
  EDQUOT: 'Disk quota exceeded',
  EEXIST: 'File exists',
  EFAULT: 'Bad address',
  EFBIG: 'File too large',
  EILSEQ: 'Invalid or incomplete multibyte or wide character',
  EINTR: 'Interrupted system call',
  EINVAL: 'Invalid argument',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  EMLINK: 'Too many links',
  ENAMETOOLONG: 'File name too long',
  ENFILE: 'Too many open files in system',
  ENODEV: 'No such device',
  ENOENT: 'No such file or directory',
  ENOMEM: 'Cannot allocate memory',
  ENOSPC: 'No space left on device',
  ENOSYS: 'Function not implemented',
  ENOTCONN: 'Transport endpoint is not connected',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  ENOTSUP: 'Operation not supported',
  ENXIO: 'No such device or address',
  EOPNOTSUPP: 'Operation not supported',
  EOVERFLOW: 'Value too large for defined data type',
  EPERM: 'Operation not permitted',
  EPIPE: 'Broken pipe',
  ERANGE: 'Numerical result out of range',
  EROFS: 'Read-only file system',
  ESTALE: 'Stale file handle',
  ETIMEDOUT: 'Connection timed out',
  ETXTBSY: 'Text file busy',
  EXDEV: 'Invalid cross-device link',
};

/** The C library's text for an errno name; the name itself for one that is not in the table. */
export function messageFor(code: string): string {
  return messages[code] ?? code;
}

/** The errno name for a text of the C library, as programs print it. */
export function codeFor(message: string): string | undefined {
  return Object.keys(messages).find((code) => messages[code] === message);
}

/**
 * What a `node:fs` call threw, as a Problem. Anything else that was thrown is a defect of the program and goes on up.
 */
export function problemFrom(error: unknown, path: string): Problem {
  if (error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string') {
    return new Problem(error.code, path);
  }
  throw error;
}

/** Runs one step; a failing system call becomes a Problem. */
export function attempt(path: string, step: () => void): Problem | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    return problemFrom(error, path);
  }
}
