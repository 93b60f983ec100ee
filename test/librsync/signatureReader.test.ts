import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  deltaFile,
  LibrsyncError,
  parseSignature,
  planDeltaSync,
  signBytes,
  SignatureReader,
} from '../../src/librsync/index.ts';
import { failsWith, noise, patch, withFile } from './support.ts';

const basis = noise(200_000, 1);
const signature = signBytes(basis);

function read(bytes: Uint8Array, pieceBytes: number, maxBlocks?: number) {
  const reader = new SignatureReader(maxBlocks === undefined ? {} : { maxBlocks });
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  return reader.finish();
}

test('chunks may be cut anywhere', () => {
  const changed = Buffer.concat([noise(77, 2), basis]);
  withFile(changed, (fd, size) => {
    const expected = deltaFile(parseSignature(signature), fd, size);
    for (const pieceBytes of [1, 3, 20, 997, signature.length]) {
      assert.deepEqual(deltaFile(read(signature, pieceBytes), fd, size), expected);
    }
  });
});

test('a large signature is kept in less than 40 bytes a block', () => {
  const blocks = 600_000;
  const records = Buffer.alloc(12 + blocks * 20, Buffer.from(signature.subarray(12, 12 + 19 * 97)));
  Buffer.from(signature).copy(records);
  const large = read(records, 65536);
  assert.equal(large.blockCount, blocks);
  withFile(basis.subarray(0, 97 * 2048), (fd, size) => assert.equal(planDeltaSync(large, fd, size).copiedBytes, size));
  const kernel = large.records.kernel;
  assert.ok(kernel !== undefined && kernel.memoryBytes - kernel.signature <= blocks * 40);
});

test('blocks beyond the limit are left out, the delta stays right', () => {
  const part = read(signature, 1000, 50);
  assert.equal(part.blockCount, 50);
  assert.equal(part.complete, false);
  assert.equal(read(signature, 1000).complete, true);
  const made = withFile(basis, (fd, size) => deltaFile(part, fd, size));
  assert.ok(patch(basis, made).equals(basis));
  assert.ok(made.length > basis.length - 51 * 2048 && made.length < basis.length - 49 * 2048);
});

test('a signature cut at any byte of a record is TRUNCATED', () => {
  const short = signature.subarray(0, 12 + 3 * 20);
  for (let length = 0; length < short.length; length++) {
    const cut = short.subarray(0, length);
    if (length >= 12 && (length - 12) % 20 === 0) assert.equal(parseSignature(cut).blockCount, (length - 12) / 20);
    else assert.throws(() => parseSignature(cut), failsWith('TRUNCATED'));
    if (length < 12 || (length - 12) % 20 !== 0) assert.throws(() => read(cut, 5), failsWith('TRUNCATED'));
  }
});

test('other hashes and absurd parameters are refused', () => {
  const header = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
  for (const [hex, code] of [
    ['72730137 00000800 00000010', 'BAD_MAGIC'],
    ['72730147 00000800 00000020', 'BAD_MAGIC'],
    ['72730236 00000800 00000010', 'BAD_MAGIC'],
    ['72730136 00000000 00000010', 'RANGE'],
    ['72730136 ffffffff 00000010', 'RANGE'],
    ['72730136 00000800 00000007', 'RANGE'],
    ['72730136 00000800 00000011', 'RANGE'],
    ['72730136 00000800 ffffffff', 'RANGE'],
  ] as const) {
    assert.throws(() => parseSignature(header(hex)), failsWith(code));
    assert.throws(() => read(header(hex), 1), failsWith(code));
  }
});

test('any records give a right delta', () => {
  const header = (blockLength: number, strongLength: number) => {
    const bytes = Buffer.from(signBytes(new Uint8Array(0)));
    bytes.writeUInt32BE(blockLength, 4);
    bytes.writeUInt32BE(strongLength, 8);
    return bytes;
  };
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.nat(70000), fc.nat(20), fc.uint8Array({ maxLength: 400 }))
      .map(([blockLength, strongLength, tail]) => Buffer.concat([header(blockLength, strongLength), tail])),
    fc.tuple(fc.nat(signature.length - 1), fc.nat(255)).map(([at, byte]) => {
      const altered = Uint8Array.from(signature);
      altered[at] = byte;
      return altered;
    }),
  );
  const changed = basis.subarray(1000, 60_000);
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 5000 }), (hostile, pieceBytes) => {
      try {
        const plan = withFile(changed, (fd, size) => planDeltaSync(read(hostile, pieceBytes), fd, size));
        assert.equal(plan.literalBytes + plan.copiedBytes, changed.length);
      } catch (error) {
        assert.ok(error instanceof LibrsyncError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});
