import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LibrsyncError,
  matchesSignature,
  parseSignature,
  Patcher,
  planDeltaSync,
  signBytes,
  SignatureReader,
} from '../../../src/librsync/index.ts';
import type { Random } from '../harness/random.ts';
import { mutate, noise } from './mutate.ts';
import { outcome, pieces, type Target } from './target.ts';

const directory = fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A file without a name, for as long as the process lives. */
function scratchFile(): number {
  const path = join(directory, `csync2-fuzz-${process.pid}`);
  const fd = fs.openSync(path, 'w+');
  fs.unlinkSync(path);
  return fd;
}

const [basisFile, newFile, wholeFile, piecesFile] = [scratchFile(), scratchFile(), scratchFile(), scratchFile()];

function fill(fd: number, content: Buffer): void {
  fs.ftruncateSync(fd, 0);
  fs.writeSync(fd, content, 0, content.length, 0);
}

function contentOf(fd: number): Buffer {
  const content = Buffer.alloc(fs.fstatSync(fd).size);
  fs.readSync(fd, content, 0, content.length, 0);
  return content;
}

/** Blocks of few kinds, so that they are found again elsewhere. */
function content(rng: Random): Buffer {
  const length = rng.pick([0, 1, 100, 1000, 6000]);
  const bytes = Buffer.alloc(length, rng.pick(['a', 'ab', 'abcdefg']));
  return mutate(bytes, rng).subarray(0, 20_000);
}

const most = 1 << 20;

/** What the delta makes of the basis, up to `most` bytes. */
function patched(output: number, delta: Iterable<Buffer>, basisSize: number): number {
  fs.ftruncateSync(output, 0);
  const patcher = new Patcher({ basis: basisFile, basisSize, output, maxSize: most });
  for (const chunk of delta) patcher.push(chunk);
  return patcher.finish();
}

export const signatureReading: Target = {
  name: 'signature',
  input(rng) {
    if (rng.below(20) === 0) return noise(rng, rng.below(100));
    const parameters = { blockLength: rng.pick([64, 100, 512, 2048]), strongLength: rng.pick([8, 12, 16]) };
    return mutate(Buffer.from(signBytes(content(rng), parameters)), rng);
  },
  run(input, rng) {
    const summary = ({ blockLength, strongLength, blockCount }: ReturnType<typeof parseSignature>): string =>
      [blockLength, strongLength, blockCount].join();
    const reader = new SignatureReader({ maxBlocks: 1 << 20 });
    const read = (): string => {
      for (const chunk of pieces(input, rng)) reader.push(chunk);
      return summary(reader.finish());
    };
    const whole = outcome(() => summary(parseSignature(input)), LibrsyncError);
    assert.equal(outcome(read, LibrsyncError), whole);
    const next = content(rng);
    fill(newFile, next);
    outcome(() => matchesSignature(newFile, next.length, input), LibrsyncError);
    if (whole.startsWith('error')) return;

    const signature = parseSignature(input);
    const plan = planDeltaSync(signature, newFile, next.length);
    assert.equal(plan.literalBytes + plan.copiedBytes, next.length);
    const chunks = [...plan.chunks(newFile, 32 + rng.below(1000))].map((chunk) => Buffer.from(chunk));
    assert.equal(Buffer.concat(chunks).length, plan.byteLength);
    // Whatever the basis is: the delta is well formed, and copies nothing from beyond the blocks that there are.
    const basisSize = signature.blockCount * signature.blockLength;
    fs.ftruncateSync(basisFile, basisSize);
    assert.equal(patched(wholeFile, chunks, basisSize), next.length);
  },
};

export const deltaReading: Target = {
  name: 'delta',
  input(rng) {
    if (rng.below(20) === 0) return noise(rng, rng.below(100));
    const basis = content(rng);
    const next = content(rng);
    fill(basisFile, basis);
    fill(newFile, next);
    const signature = parseSignature(signBytes(basis, { blockLength: rng.pick([64, 512]), strongLength: 16 }));
    return mutate(Buffer.from(planDeltaSync(signature, newFile, next.length).toBytes(newFile)), rng);
  },
  run(input, rng) {
    const basisSize = fs.fstatSync(basisFile).size;
    const whole = outcome(() => patched(wholeFile, [input], basisSize), LibrsyncError);
    const cut = outcome(() => patched(piecesFile, pieces(input, rng), basisSize), LibrsyncError);
    assert.equal(cut, whole);
    assert.ok(fs.fstatSync(wholeFile).size <= most, 'the result is larger than allowed');
    if (whole.startsWith('error')) return;
    const result = contentOf(wholeFile);
    assert.equal(result.length, Number(whole));
    assert.ok(result.equals(contentOf(piecesFile)));
  },
};
