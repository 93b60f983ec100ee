import { randomInt } from 'node:crypto';
import { systemText } from '../../transport/failures.ts';
import { writeNewFile } from '../newFile.ts';
import { SetupError } from '../setup.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._';
const keyLength = 64;

/** `-k`: a new key, readable by its owner only. An existing file is never overwritten. Fails with SetupError. */
export function createKeyFile(path: string): void {
  const key = Array.from({ length: keyLength }, () => alphabet[randomInt(alphabet.length)]).join('');
  try {
    writeNewFile(path, key + '\n', 0o600);
  } catch (error) {
    const reason = systemText(error as Error);
    const advice = (error as NodeJS.ErrnoException).code === 'EEXIST' ? inUse : elsewhere;
    throw new SetupError('ARGUMENT', `Can't create key file: ${reason} (${path})`, { cause: error, advice });
  }
}

const inUse =
  'Hosts may use it. Remove it first if you really want a new one, and copy that to all hosts of its groups.';
const elsewhere = 'Name a file in a directory that is there and can be written to.';
