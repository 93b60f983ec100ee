import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Entry } from '../../src/entry/entry.ts';
import { isChangedSince, isSetTo, stampOf } from '../../src/entry/young.ts';

const fileOf = (mtime: number, mtimeNanoseconds: number, changeTimeNs = 123_456_789n): Entry => {
  const nobody = { mode: 0o100644, uid: 0, gid: 0, size: 0, device: 0, target: '', inode: 1n };
  return { kind: 'reg', ...nobody, mtime, mtimeNanoseconds, changeTimeNs };
};

const aSecond = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -(2 ** 35), max: 2 ** 35 }));
const someNanoseconds = fc.oneof(
  fc.integer({ min: 0, max: 999_999_999 }),
  fc.constantFrom(0, 1, 999, 1000, 999_999_999, 999_999_500, 999_999_000),
);

test('stamps are of the same second before 1970, too', () => {
  fc.assert(
    fc.property(aSecond, aSecond, someNanoseconds, someNanoseconds, (second, other, one, two) => {
      const stamp = stampOf(fileOf(second, one));
      assert.equal(isChangedSince(stamp, fileOf(second, two)), one !== two);
      assert.equal(isChangedSince(stamp, fileOf(other, two)), second === other && one !== two);
    }),
  );
});

test('a time that was set is known again, whatever the file system keeps of it', () => {
  const steps = fc.constantFrom(1, 100, 1000, 1_000_000, 10_000_000, 1_000_000_000);
  fc.assert(
    fc.property(aSecond, someNanoseconds, steps, fc.bigInt(0n, 1n << 61n), (second, nanoseconds, step, now) => {
      const microseconds = Math.floor(nanoseconds / 1000);
      const keep = (time: bigint): bigint => time - (time % BigInt(step));
      const kept = Number(keep(BigInt(microseconds * 1000)));
      assert.ok(isSetTo(microseconds, fileOf(second, kept, keep(now))));
      const another = (kept + 500_000_000) % 1_000_000_000;
      if (step < 1_000_000_000) assert.ok(!isSetTo(microseconds, fileOf(second, another, 123_456_789n)));
    }),
  );
});

test('a time with fewer digits than were set is another where the file system keeps more of its own', () => {
  assert.ok(!isSetTo(250_000, fileOf(1_700_000_000, 0)));
  assert.ok(isSetTo(250_000, fileOf(1_700_000_000, 0, 1_800_000_000_000_000_000n)));
});
