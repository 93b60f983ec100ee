import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isOther, isStampWith } from '../../src/entry/young.ts';

const stampAt = (seconds: number, nanoseconds: number): string =>
  String(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds));

const aSecond = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -(2 ** 35), max: 2 ** 35 }));
const someNanoseconds = fc.oneof(
  fc.integer({ min: 0, max: 999_999_999 }),
  fc.constantFrom(0, 1, 999, 1000, 999_999_999, 999_999_500, 999_999_000),
);

test('stamps are of the same second before 1970, too', () => {
  fc.assert(
    fc.property(aSecond, aSecond, someNanoseconds, someNanoseconds, (second, other, one, two) => {
      assert.equal(isOther(stampAt(second, one), stampAt(second, two)), one !== two);
      assert.equal(isOther(stampAt(second, one), stampAt(other, two)), second === other && one !== two);
    }),
  );
});

test('a time that was set is known by its stamp, whatever the file system keeps of it', () => {
  const steps = fc.constantFrom(1, 100, 1000, 1_000_000, 10_000_000, 1_000_000_000);
  fc.assert(
    fc.property(aSecond, someNanoseconds, steps, (second, nanoseconds, step) => {
      const microseconds = Math.floor(nanoseconds / 1000);
      const kept = microseconds * 1000 - ((microseconds * 1000) % step);
      assert.ok(isStampWith(microseconds, stampAt(second, kept)));
      const another = (kept + 500_000_000) % 1_000_000_000;
      if (step < 1_000_000_000 && another >= 1000) assert.ok(!isStampWith(microseconds, stampAt(second, another)));
    }),
  );
});
