import fs from 'node:fs';
import path from 'node:path';
import { type DiskPath, fsPath } from '../bytes/bytes.ts';
import { currentDirectory } from '../bytes/currentDirectory.ts';
import { SetupError } from './setup.ts';

/**
 * An argument as an absolute path: `.`, `..` and `//` removed, links in its parent directories resolved, the last
 * component kept as it is. Parents that do not exist are kept as written.
 */
export function absolutePath(argument: string): DiskPath {
  // The current directory may be gone, and is nobody's business unless it is needed.
  const clean = argument.startsWith('/') ? path.posix.resolve(argument) : path.posix.resolve(here(), argument);
  if (clean === '/') return clean as DiskPath;
  return path.posix.join(realParent(path.posix.dirname(clean)), path.posix.basename(clean)) as DiskPath;
}

function here(): string {
  try {
    return currentDirectory();
  } catch (cause) {
    throw new SetupError('ARGUMENT', 'The current directory is gone; names of files must be absolute here.', { cause });
  }
}

/** The real path of the deepest ancestor that exists, then the rest. */
function realParent(directory: string): string {
  let missing = '';
  for (let at = directory; ; at = path.posix.dirname(at)) {
    try {
      return path.posix.join(fs.realpathSync.native(fsPath(at), 'latin1'), missing);
    } catch (error) {
      const absent = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
      if (!absent || at === '/') throw error;
    }
    missing = path.posix.join(path.posix.basename(at), missing);
  }
}
