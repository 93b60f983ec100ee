import { execFileSync } from 'node:child_process';
import { codeFor, messageFor, Problem } from './problem.ts';

/** `chr`, `blk` and `fifo` can be made; sockets belong to the process that binds them. */
export type SpecialKind = 'chr' | 'blk' | 'fifo';

/**
 * Makes a device node or FIFO with mode 0600, for which Node has no call: mknod(1) and mkfifo(1) are run inside the open
 * directory, so that no path is looked up. `base` is ASCII (a temporary name). `device` is st_rdev.
 */
export function makeSpecial(
  directory: number,
  base: string,
  kind: SpecialKind,
  device: number,
  path: string,
): Problem | undefined {
  const name = './' + base;
  const { major, minor } = splitDevice(device);
  return kind === 'fifo'
    ? run('mkfifo', ['-m', '600', name], directory, path)
    : run('mknod', ['-m', '600', name, kind === 'chr' ? 'c' : 'b', String(major), String(minor)], directory, path);
}

/** st_rdev to the numbers that mknod takes, by the layout of the C library. */
export function splitDevice(device: number): { readonly major: bigint; readonly minor: bigint } {
  const bits = BigInt(device);
  return {
    major: ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & ~0xfffn),
    minor: (bits & 0xffn) | ((bits >> 12n) & ~0xffn & 0xffffffffn),
  };
}

function run(program: string, args: readonly string[], directory: number, path: string): Problem | undefined {
  try {
    execFileSync(program, args, {
      cwd: `/proc/${process.pid}/fd/${directory}`,
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'latin1',
    });
    return undefined;
  } catch (error) {
    return problemOf(program, path, error);
  }
}

/** The program ends its message with the C library's text: `mknod: ./x: Operation not permitted`. */
function problemOf(program: string, path: string, error: unknown): Problem {
  if (!(error instanceof Error)) throw error;
  const said = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : '';
  if (said === '') {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'EIO';
    return new Problem(code, path, `Can not run ${program}: ${messageFor(code)}`);
  }
  const text = said.slice(said.lastIndexOf(': ') + 2);
  return new Problem(codeFor(text) ?? 'EIO', path, text);
}
