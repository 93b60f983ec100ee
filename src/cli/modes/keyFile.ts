import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import { fsPath } from '../../bytes/bytes.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._';
const keyLength = 64;

/** `-k`: a new key, readable by its owner only. An existing file is never overwritten. */
export function createKeyFile(path: string): void {
  const key = Array.from({ length: keyLength }, () => alphabet[randomInt(alphabet.length)]).join('');
  fs.writeFileSync(fsPath(path), key + '\n', { flag: 'wx', mode: 0o600 });
}
