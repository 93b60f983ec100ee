import assert from 'node:assert/strict';
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import {
  matchesSignatureChunks,
  Patcher,
  planDelta,
  signatureChunks,
  signatureLength,
  SignatureReader,
} from '../../src/librsync/index.ts';
import { noise, path } from './support.ts';

const skip = process.env['LONG_TESTS'] === undefined && 'skipped: set LONG_TESTS for files beyond 4 GiB';
const GIB = 2 ** 30;

/** A sparse file with some bytes here and there. */
function sparse(name: string, size: number, places: ReadonlyMap<number, Buffer>): number {
  const fd = openSync(path(name), 'w+');
  ftruncateSync(fd, size);
  for (const [position, bytes] of places) writeSync(fd, bytes, 0, bytes.length, position);
  return fd;
}

test('offsets and lengths beyond 4 GiB', { skip }, async () => {
  const size = 4 * GIB + 3 * 2 ** 20 + 17;
  const marks = [noise(50_000, 1), noise(50_000, 2)] as const;
  const basis = sparse(
    'huge-basis',
    size,
    new Map([
      [1000, marks[0]],
      [size - 60_000, marks[1]],
    ]),
  );
  // What was at the end comes first, so that a copy from beyond 4 GiB is needed.
  const changed = sparse(
    'huge-changed',
    size,
    new Map([
      [0, marks[1]],
      [size - 70_000, marks[0]],
    ]),
  );

  const reader = new SignatureReader();
  const chunks: Uint8Array[] = [];
  for await (const chunk of signatureChunks(basis, size)) {
    reader.push(chunk);
    chunks.push(chunk);
  }
  assert.equal(
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    signatureLength(size),
  );
  assert.equal(await matchesSignatureChunks(basis, size, chunks), true);

  const plan = await planDelta(reader.finish(), changed, size);
  assert.ok(plan.byteLength < 30_000, `${plan.byteLength}`);
  const output = openSync(path('huge-output'), 'w+');
  const patcher = new Patcher({ basis, basisSize: size, output });
  for (const chunk of plan.chunks(changed)) patcher.push(chunk);
  assert.equal(patcher.finish(), size);
  assert.equal(fstatSync(output).size, size);
  for (const position of [0, 49_000, 1000, GIB, size - 70_000, size - 21_000]) {
    const [expected, actual] = [changed, output].map((fd) => {
      const bytes = Buffer.alloc(20_000);
      readSync(fd, bytes, 0, bytes.length, position);
      return bytes;
    });
    assert.deepEqual(actual, expected, `at ${position}`);
  }
  for (const fd of [basis, changed, output]) closeSync(fd);
});
