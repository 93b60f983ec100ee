import assert from 'node:assert/strict';
import { closeSync, openSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { deltaFile, LibrsyncError, parseSignature, Patcher, signBytes } from '../../src/librsync/index.ts';
import { failsWith, noise, patch, path, withFile } from './support.ts';

const basis = noise(300_000, 1);
const changed = Buffer.concat([
  basis.subarray(0, 5000),
  Buffer.from('some'),
  basis.subarray(5000, 200_000),
  noise(70_000, 2),
  basis.subarray(250_000),
]);
const good = Buffer.from(withFile(changed, (fd, size) => deltaFile(parseSignature(signBytes(basis)), fd, size)));

/** A delta of these bytes behind the magic. */
function commands(hex: string): Buffer {
  return Buffer.from('72730236' + hex.replaceAll(' ', ''), 'hex');
}

test('chunks may be cut anywhere', () => {
  for (const pieceBytes of [1, 2, 3, 5, 17, 4096, good.length]) {
    assert.ok(patch(basis, good, pieceBytes).equals(changed));
  }
});

test('every width of every number is understood', () => {
  const small = Buffer.from('0123456789');
  for (const [hex, text] of [
    ['03 616263 00', 'abc'],
    ['41 03 616263 00', 'abc'],
    ['42 0003 616263 00', 'abc'],
    ['43 00000003 616263 00', 'abc'],
    ['44 0000000000000003 616263 00', 'abc'],
    ['45 01 02 00', '12'],
    ['4b 0001 00000002 00', '12'],
    ['54 0000000000000008 0000000000000002 00', '89'],
    ['51 0000000000000003 01 01 41 00', '3A'],
    ['00', ''],
  ] as const) {
    assert.equal(patch(small, commands(hex), 1).toString(), text, hex);
  }
});

describe('what is wrong is refused', () => {
  for (const [what, hex, code] of [
    ['an unknown command', '55 00', 'CORRUPT'],
    ['the last unknown command', 'ff 00', 'CORRUPT'],
    ['an empty literal', '41 00 00', 'CORRUPT'],
    ['an empty copy', '45 00 00 00', 'CORRUPT'],
    ['bytes behind the end', '00 00', 'CORRUPT'],
    ['a copy from behind the basis', '46 00 0001 00', 'RANGE', 0],
    ['a copy that starts outside', '4b ffff 00000001 00', 'RANGE'],
    ['a copy that ends outside', '45 09 02 00', 'RANGE'],
    ['a copy that wraps around', '54 ffffffffffffffff ffffffffffffffff 00', 'RANGE'],
    ['a literal of 2^64 - 1 bytes', '44 ffffffffffffffff 61', 'RANGE'],
    ['a literal beyond the limit', '43 00100000 61', 'TOO_LARGE'],
    ['copies beyond the limit', '45 00 0a'.repeat(11) + '00', 'TOO_LARGE'],
  ] as const) {
    test(what, () => {
      const small = hex.startsWith('46') ? Buffer.alloc(0) : Buffer.from('0123456789');
      for (const pieceBytes of [1, 100]) {
        assert.throws(() => patch(small, commands(hex), pieceBytes, 100), failsWith(code));
        assert.ok(statSync(path('patched')).size <= 100);
      }
    });
  }

  test('another magic', () => {
    assert.throws(() => patch(basis, Buffer.from('7273013600', 'hex')), failsWith('BAD_MAGIC'));
  });

  test('a delta cut at any byte', () => {
    const short = Buffer.from(
      withFile(changed.subarray(0, 5300), (fd, size) => deltaFile(parseSignature(signBytes(basis)), fd, size)),
    );
    withFile(basis, (fd, size) => {
      const output = openSync(path('patched'), 'w');
      for (let length = 0; length < short.length; length++) {
        const patcher = new Patcher({ basis: fd, basisSize: size, output });
        patcher.push(short.subarray(0, length));
        assert.throws(() => patcher.finish(), failsWith('TRUNCATED'), `${length} bytes`);
      }
      closeSync(output);
    });
  });

  test('a basis that is shorter than it was', () => {
    writeFileSync(path('shrunk'), basis);
    const fd = openSync(path('shrunk'), 'r');
    const output = openSync(path('patched'), 'w');
    truncateSync(path('shrunk'), 3000);
    const patcher = new Patcher({ basis: fd, basisSize: basis.length, output });
    assert.throws(() => patcher.push(good), failsWith('CHANGED'));
    closeSync(fd);
    closeSync(output);
  });

  test('a basis without a file', () => {
    assert.throws(() => new Patcher({ basis: undefined, basisSize: 1, output: 1 }), failsWith('RANGE'));
  });
});

test('trouble of the disk stays a system error', () => {
  const output = openSync('/dev/full', 'w');
  const patcher = new Patcher({ basis: undefined, basisSize: 0, output });
  assert.throws(() => patcher.push(commands('03 616263 00')), { code: 'ENOSPC' });
  closeSync(output);
});

test('any bytes give a result within the limit or a LibrsyncError', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((tail) => Buffer.concat([commands(''), tail])),
    fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
      const altered = Buffer.from(good);
      altered[at] = byte;
      return altered;
    }),
  );
  fc.assert(
    fc.property(hostile, fc.integer({ min: 1, max: 50_000 }), (bytes, pieceBytes) => {
      try {
        assert.ok(patch(basis, bytes, pieceBytes, 400_000).length <= 400_000);
      } catch (error) {
        assert.ok(error instanceof LibrsyncError, String(error));
        assert.ok(statSync(path('patched')).size <= 400_000);
      }
    }),
    { numRuns: 300 },
  );
});

test('patchers in turn do not disturb each other', () => {
  withFile(basis, (fd, size) => {
    const outputs = ['one', 'two'].map((name) => openSync(path(name), 'w'));
    const patchers = outputs.map((output) => new Patcher({ basis: fd, basisSize: size, output }));
    for (let at = 0; at < good.length; at += 1000) {
      for (const patcher of patchers) patcher.push(good.subarray(at, at + 1000));
    }
    assert.deepEqual(
      patchers.map((patcher) => patcher.finish()),
      [changed.length, changed.length],
    );
    for (const output of outputs) closeSync(output);
  });
});
