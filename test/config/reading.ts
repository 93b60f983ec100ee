import assert from 'node:assert/strict';
import type { Config } from '../../src/config/config.ts';
import { ConfigError } from '../../src/config/configError.ts';
import { parseConfig } from '../../src/config/parse.ts';

/** Files by path; `csync2.cfg` is the one that is read. */
export type Files = Readonly<Record<string, string>>;

/** `text` is a byte string. */
export function configOf(text: string, others: Files = {}): Config {
  const files: Files = { ...others, 'csync2.cfg': text };
  return parseConfig('csync2.cfg', (path) => fileIn(files, path));
}

export function fileIn(files: Files, path: string): Buffer {
  const text = files[path];
  if (text !== undefined) return Buffer.from(text, 'latin1');
  throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
}

export function failure(text: string, others: Files = {}): ConfigError {
  try {
    configOf(text, others);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  assert.fail('no error');
}
