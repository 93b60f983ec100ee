import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Encoded } from '../../src/bytes/bytes.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';

export const oraclePath = '/usr/sbin/csync2';
export const oracleMissing = existsSync(oraclePath) ? false : `skipped: ${oraclePath} is not installed`;

export interface Outcome {
  readonly code: number;
  /** Byte strings. */
  readonly stdout: string;
  readonly stderr: string;
}

export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = {
      encoding: 'latin1',
      env: { ...process.env, ...env },
      timeout: 60_000,
      maxBuffer: 1 << 28,
    } as const;
    execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

/** A scratch directory with a configuration of two hosts that share `data`, for the C program to work on. */
export class Oracle {
  readonly top = mkdtempSync(join(tmpdir(), 'store-oracle-'));
  readonly data = join(this.top, 'data');

  constructor() {
    mkdirSync(this.data);
    mkdirSync(join(this.top, 'etc'));
    writeFileSync(join(this.top, 'etc/secret'), 'abcdefghijklmnopqrstuvwxyz0123456789\n');
    const group = `group g { host alpha beta; key secret; include ${this.data}; }\n`;
    writeFileSync(join(this.top, 'etc/csync2.cfg'), group);
  }

  /** Runs the C program as host alpha on this database. */
  run(database: string, ...args: string[]): Promise<Outcome> {
    return run(oraclePath, ['-N', 'alpha', '-D', database, ...args], { CSYNC2_SYSTEM_DIR: join(this.top, 'etc') });
  }

  /** Creates or changes shared files; names are byte strings. */
  write(...names: string[]): void {
    for (const name of names) writeFileSync(Buffer.from(join(this.data, name), 'latin1'), 'x');
  }

  /** The names of shared files as databases hold them; '' is the shared directory. */
  encoded(...names: string[]): Encoded[] {
    return names.map((name) => encode(name === '' ? this.data : `${this.data}/${name}`));
  }

  remove(): void {
    rmSync(this.top, { recursive: true });
  }
}
