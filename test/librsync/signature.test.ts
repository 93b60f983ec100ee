import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { afterEach, describe, test } from 'node:test';
import {
  DEFAULT_PARAMETERS,
  matchesSignature,
  matchesSignatureChunks,
  signatureChunks,
  signatureLength,
  signBytes,
  signFile,
} from '../../src/librsync/index.ts';
import { preferVariant, type Variant } from '../../src/librsync/kernel.ts';
import { failsWith, noise, path, rdiffSignature, withFile, withoutRdiff } from './support.ts';

const variants: readonly Variant[] = ['simd', 'scalar'];
afterEach(() => preferVariant('simd'));

for (const variant of variants) {
  test(`signatures equal librsync's (${variant})`, { skip: withoutRdiff }, () => {
    preferVariant(variant);
    for (const blockLength of [512, 1000, 2048, 4096, 8192, 65536]) {
      for (const strongLength of [8, 11, 16]) {
        for (const blocks of [0, 1, 2.5, 3, 16, 17.001, 40]) {
          if (blockLength > 8192 && blocks > 17) continue;
          const data = noise(Math.floor(blocks * blockLength), blockLength + strongLength);
          const parameters = { blockLength, strongLength };
          const expected = rdiffSignature(data, parameters);
          const label = `${data.length} bytes, blocks of ${blockLength}, sums of ${strongLength}`;
          assert.deepEqual(Buffer.from(signBytes(data, parameters)), expected, label);
          withFile(data, (fd, size) => {
            assert.deepEqual(Buffer.from(signFile(fd, size, parameters)), expected, label);
            assert.equal(matchesSignature(fd, size, expected), true, label);
          });
          assert.equal(signatureLength(data.length, parameters), expected.length, label);
        }
      }
    }
  });
}

test('every length of a file around blocks and groups of 16 blocks', () => {
  const data = noise(40000, 1);
  for (const length of [
    1, 55, 56, 63, 64, 65, 119, 120, 2047, 2048, 2049, 4096, 6143, 6145, 32767, 32768, 32769, 34900,
  ]) {
    const part = data.subarray(0, length);
    preferVariant('scalar');
    const scalar = signBytes(part);
    preferVariant('simd');
    assert.deepEqual(signBytes(part), scalar, `${length} bytes`);
  }
});

test('bytes at both ends of their range do not overflow the sums', { skip: withoutRdiff }, () => {
  for (const byte of [0x00, 0x7f, 0x80, 0xff]) {
    const data = Buffer.alloc(3 * 65536 + 5, byte);
    const parameters = { blockLength: 65536, strongLength: 16 };
    assert.deepEqual(Buffer.from(signBytes(data, parameters)), rdiffSignature(data, parameters));
  }
});

test('an empty file has a signature of a header only', () => {
  assert.equal(signatureLength(0), 12);
  assert.equal(Buffer.from(signBytes(new Uint8Array(0))).toString('hex'), '727301360000080000000010');
});

test('a file that became shorter is signed as it is', () => {
  const data = noise(5000, 2);
  withFile(data, (fd) => assert.deepEqual(signFile(fd, 9000), signBytes(data)));
});

test('parameters outside their limits are refused', () => {
  for (const blockLength of [0, 63, 65537, 100.5, NaN])
    assert.throws(() => signatureLength(1, { blockLength, strongLength: 16 }), failsWith('RANGE'));
  for (const strongLength of [0, 7, 17])
    assert.throws(() => signatureLength(1, { blockLength: 2048, strongLength }), failsWith('RANGE'));
  assert.throws(() => signatureLength(-1), failsWith('RANGE'));
});

describe('matching a file with a signature', () => {
  const data = noise(1_300_000, 3);
  const signature = signBytes(data);

  test('any difference is seen', () => {
    withFile(data, (fd, size) => {
      assert.equal(matchesSignature(fd, size, signature), true);
      assert.equal(matchesSignature(fd, size - 1, signature), false);
      assert.equal(matchesSignature(fd, size - 2048, signature), false);
      for (const at of [12, 15, 16, 5000, signature.length - 1]) {
        const other = Uint8Array.from(signature);
        other[at] = (other[at] as number) ^ 1;
        assert.equal(matchesSignature(fd, size, other), false, `byte ${at}`);
      }
      assert.equal(matchesSignature(fd, size, signature.subarray(0, 32)), false);
    });
  });

  test('what is no signature is an error', () => {
    withFile(data, (fd, size) => {
      assert.throws(() => matchesSignature(fd, size, new Uint8Array(5)), failsWith('TRUNCATED'));
      assert.throws(() => matchesSignature(fd, size, new Uint8Array(32)), failsWith('BAD_MAGIC'));
    });
  });

  test('in chunks of any size, which are taken to their end', async () => {
    writeFileSync(path('chunked'), data);
    const fd = openSync(path('chunked'), 'r');
    const altered = Uint8Array.from(signature);
    altered[20] = (altered[20] as number) ^ 1;
    for (const pieceBytes of [1, 7, 1000, 1 << 20]) {
      for (const [bytes, same] of [
        [signature, true],
        [altered, false],
        [signature.subarray(0, -20), false],
        [Buffer.concat([signature, signature.subarray(0, 20)]), false],
      ] as const) {
        let taken = 0;
        const pieces = function* () {
          for (; taken < bytes.length; taken += pieceBytes) yield bytes.subarray(taken, taken + pieceBytes);
        };
        assert.equal(await matchesSignatureChunks(fd, data.length, pieces()), same);
        assert.ok(taken >= bytes.length);
      }
    }
    await assert.rejects(matchesSignatureChunks(fd, data.length, [new Uint8Array(3)]), failsWith('TRUNCATED'));
    closeSync(fd);
  });
});

describe('signatures of large files', () => {
  const data = noise(21_000_123, 4);

  for (const threads of [0, 1, 2]) {
    test(`in chunks, with ${threads} threads`, async () => {
      writeFileSync(path('large'), data);
      const fd = openSync(path('large'), 'r');
      for (const parameters of [DEFAULT_PARAMETERS, { blockLength: 1000, strongLength: 9 }]) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of signatureChunks(fd, data.length, parameters, { threads })) chunks.push(chunk);
        assert.deepEqual(Buffer.concat(chunks), Buffer.from(signBytes(data, parameters)));
      }
      closeSync(fd);
    });
  }

  test('a file that became shorter is an error, with and without threads', async () => {
    writeFileSync(path('large'), data);
    const fd = openSync(path('large'), 'r');
    for (const threads of [0, 2]) {
      const take = async () => {
        for await (const chunk of signatureChunks(fd, data.length + 9_000_000, undefined, { threads }))
          assert.ok(chunk);
      };
      await assert.rejects(take(), failsWith('CHANGED'));
    }
    closeSync(fd);
  });

  test('a descriptor that cannot be read is a system error', async () => {
    const fd = openSync(path('write-only'), 'w');
    const take = async () => {
      for await (const chunk of signatureChunks(fd, 30_000_000)) assert.ok(chunk);
    };
    await assert.rejects(take(), { code: 'EBADF' });
    closeSync(fd);
  });

  test('who takes only a part leaves nobody reading', async () => {
    writeFileSync(path('large'), data);
    const fd = openSync(path('large'), 'r');
    for await (const chunk of signatureChunks(fd, data.length)) if (chunk.length > 12) break;
    closeSync(fd);
  });
});
