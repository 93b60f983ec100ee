import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LibrsyncError, Patcher, type LibrsyncErrorCode, type SignatureParameters } from '../../src/librsync/index.ts';

/** Whether librsync's own program is here to compare with; the reason for skipping when not. */
export const withoutRdiff = spawnSync('rdiff', ['--version']).status === 0 ? false : 'skipped: rdiff is not installed';

/** A directory that is removed at the end of the process. */
export const scratch = mkdtempSync(join(tmpdir(), 'librsync-test-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

export function path(name: string): string {
  return join(scratch, name);
}

/** Writes a file and opens it for reading, for as long as `use` runs. */
export function withFile<T>(content: Uint8Array, use: (fd: number, size: number) => T, name = 'file'): T {
  writeFileSync(path(name), content);
  const fd = openSync(path(name), 'r');
  try {
    return use(fd, content.length);
  } finally {
    closeSync(fd);
  }
}

function rdiff(...args: string[]): void {
  const { status, stderr } = spawnSync('rdiff', ['--force', ...args]);
  if (status !== 0) throw new Error(`rdiff ${args.join(' ')}: ${stderr.toString()}`);
}

/** The signature that librsync makes. */
export function rdiffSignature(content: Uint8Array, { blockLength, strongLength }: SignatureParameters): Buffer {
  writeFileSync(path('rdiff-basis'), content);
  const sizes = ['--block-size', `${blockLength}`, '--sum-size', `${strongLength}`];
  rdiff('--hash', 'md4', '--rollsum', 'rollsum', ...sizes, 'signature', path('rdiff-basis'), path('rdiff-signature'));
  return readFileSync(path('rdiff-signature'));
}

/** The delta that librsync makes. */
export function rdiffDelta(signature: Uint8Array, content: Uint8Array): Buffer {
  writeFileSync(path('rdiff-signature'), signature);
  writeFileSync(path('rdiff-new'), content);
  rdiff('delta', path('rdiff-signature'), path('rdiff-new'), path('rdiff-delta'));
  return readFileSync(path('rdiff-delta'));
}

/** What librsync makes of a basis and a delta. */
export function rdiffPatch(basis: Uint8Array, delta: Uint8Array): Buffer {
  writeFileSync(path('rdiff-basis'), basis);
  writeFileSync(path('rdiff-delta'), delta);
  rdiff('patch', path('rdiff-basis'), path('rdiff-delta'), path('rdiff-out'));
  return readFileSync(path('rdiff-out'));
}

/** What our Patcher makes of a basis and a delta that comes in pieces of `pieceBytes`. */
export function patch(basis: Uint8Array, delta: Uint8Array, pieceBytes = delta.length, maxSize?: number): Buffer {
  return withFile(
    basis,
    (fd, size) => {
      const output = openSync(path('patched'), 'w');
      try {
        const limit = maxSize === undefined ? {} : { maxSize };
        const patcher = new Patcher({ basis: fd, basisSize: size, output, ...limit });
        for (let at = 0; at < delta.length; at += pieceBytes) patcher.push(delta.subarray(at, at + pieceBytes));
        const length = patcher.finish();
        const result = readFileSync(path('patched'));
        if (result.length !== length) throw new Error(`${length} bytes announced, ${result.length} written`);
        return result;
      } finally {
        closeSync(output);
      }
    },
    'patch-basis',
  );
}

/** For assert.throws: a LibrsyncError of one of these codes. */
export function failsWith(...codes: LibrsyncErrorCode[]): (error: unknown) => boolean {
  return (error) => error instanceof LibrsyncError && codes.includes(error.code);
}

/** Bytes that are the same in every run. */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
