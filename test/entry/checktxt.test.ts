import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { checktxt, encodedChecktxt, parseChecktxt, wireChecktxt } from '../../src/entry/checktxt.ts';
import { emptyTarget, sameButTime, sameButUnknownTarget, withoutTime } from '../../src/entry/compare.ts';
import type { Entry, Ignored } from '../../src/entry/entry.ts';
import { kindOfMode, wholeSeconds } from '../../src/entry/fromStats.ts';

const nothing: Ignored = { uid: false, gid: false, mod: false };

function entry(fields: Partial<Entry>): Entry {
  return {
    kind: 'reg',
    mode: 0o100644,
    uid: 5,
    gid: 6,
    size: 3,
    mtime: 1000000000,
    mtimeNanoseconds: 0,
    device: 0,
    target: '',
    inode: 1n,
    changeTimeNs: 0n,
    ...fields,
  };
}

// What the C program recorded for such objects.
const recorded: readonly (readonly [Partial<Entry>, string])[] = [
  [{}, 'v1:mtime=1000000000:mode=33188:uid=5:gid=6:type=reg:size=3'],
  [{ mtime: -2, size: 0 }, 'v1:mtime=-2:mode=33188:uid=5:gid=6:type=reg:size=0'],
  [{ kind: 'dir', mode: 16877 }, 'v1:mode=16877:uid=5:gid=6:type=dir'],
  [{ kind: 'chr', mode: 8612, device: 259 }, 'v1:mtime=1000000000:mode=8612:uid=5:gid=6:type=chr:dev=259'],
  [
    { kind: 'blk', mode: 24996, device: 286327664 },
    'v1:mtime=1000000000:mode=24996:uid=5:gid=6:type=blk:dev=286327664',
  ],
  [{ kind: 'fifo', mode: 4516 }, 'v1:mtime=1000000000:mode=4516:uid=5:gid=6:type=fifo'],
  [{ kind: 'sock', mode: 49645 }, 'v1:mtime=1000000000:mode=49645:uid=5:gid=6:type=sock'],
  [
    { kind: 'lnk', mode: 41471, target: 'a b%:/\xc3\xa9|x' },
    'v1:mode=41471:uid=5:gid=6:type=lnk:target=a%20b%25%3A/\xc3\xa9%7Cx',
  ],
];

test('the checktxt of every kind is that of the C program', () => {
  for (const [fields, text] of recorded) assert.equal(checktxt(entry(fields), nothing), text);
});

test('ignored fields are left out, whatever the subset', () => {
  assert.equal(checktxt(entry({}), { uid: true, gid: true, mod: true }), 'v1:mtime=1000000000:type=reg:size=3');
  assert.equal(checktxt(entry({}), { ...nothing, uid: true }), 'v1:mtime=1000000000:mode=33188:gid=6:type=reg:size=3');
  assert.equal(checktxt(entry({ kind: 'dir' }), { uid: true, gid: true, mod: true }), 'v1:type=dir');
});

test('on the wire the time is 0, and only where there is one', () => {
  assert.equal(wireChecktxt(entry({ kind: 'dir', mode: 16877 }), nothing), 'v1:mode=16877:uid=5:gid=6:type=dir');
  assert.equal(wireChecktxt(entry({}), nothing), 'v1:mtime=0:mode=33188:uid=5:gid=6:type=reg:size=3');
});

const anyEntry = fc
  .record({
    kind: fc.constantFrom('reg', 'dir', 'chr', 'blk', 'fifo', 'lnk', 'sock'),
    mode: fc.integer({ min: 0, max: 0o177777 }),
    uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
    size: fc.integer({ min: 0, max: 2 ** 50 }),
    mtime: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
    device: fc.integer({ min: 0, max: 2 ** 32 }),
    target: fc
      .uint8Array({ minLength: 1, maxLength: 20 })
      .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0)).toString('latin1')),
  })
  .map((fields) => entry(fields as Partial<Entry>));
const anyIgnored = fc.record({ uid: fc.boolean(), gid: fc.boolean(), mod: fc.boolean() });

test('the encoded form built directly is the encoding of the plain form', () => {
  fc.assert(
    fc.property(anyEntry, anyIgnored, (some, ignored) => {
      assert.equal(encodedChecktxt(some, ignored), encode(checktxt(some, ignored)));
    }),
  );
});

test('parsing gives back what was written', () => {
  fc.assert(
    fc.property(anyEntry, (some) => {
      const fields = parseChecktxt(checktxt(some, nothing));
      const timed = some.kind !== 'dir' && some.kind !== 'lnk';
      assert.deepEqual(fields, {
        kind: some.kind,
        mtime: timed ? some.mtime : undefined,
        mode: some.mode,
        uid: some.uid,
        gid: some.gid,
        size: some.kind === 'reg' ? some.size : undefined,
        device: some.kind === 'chr' || some.kind === 'blk' ? some.device : undefined,
        target: some.kind === 'lnk' ? some.target : undefined,
      });
    }),
  );
});

test('what is no checktxt is not parsed', () => {
  for (const text of [
    '',
    'v2:type=dir',
    'v1:type=door',
    'v1:type=reg',
    'v1:type=reg:size=-1',
    'v1:type=dir:x',
    '---',
  ]) {
    assert.equal(parseChecktxt(text), undefined, text);
  }
});

test('only the time may differ for sameButTime, in either form', () => {
  const a = checktxt(entry({}), nothing);
  const later = checktxt(entry({ mtime: -7 }), nothing);
  const bigger = checktxt(entry({ size: 4 }), nothing);
  assert.equal(sameButTime(a, later), true);
  assert.equal(sameButTime(encode(a), encode(later)), true);
  assert.equal(sameButTime(a, bigger), false);
  assert.equal(sameButTime(encode(a), encode(bigger)), false);
  assert.equal(withoutTime('v1:type=dir'), 'v1:type=dir');
});

test('a link without a recorded target equals the same link with any target', () => {
  const link = { kind: 'lnk', mode: 41471 } as const;
  const empty = checktxt(entry({ ...link, target: '' }), nothing);
  const full = checktxt(entry({ ...link, target: 'a:b' }), nothing);
  const other = checktxt(entry({ ...link, target: 'c' }), nothing);
  const foreign = checktxt(entry({ ...link, uid: 9, target: 'a:b' }), nothing);
  assert.equal(emptyTarget(empty) && emptyTarget(encode(empty)), true);
  for (const form of [(text: string) => text, encode]) {
    assert.equal(sameButUnknownTarget(form(empty), form(full)), true);
    assert.equal(sameButUnknownTarget(form(full), form(empty)), true);
    assert.equal(sameButUnknownTarget(form(full), form(other)), false);
    assert.equal(sameButUnknownTarget(form(empty), form(foreign)), false);
  }
});

test('whole seconds are those of the kernel', () => {
  const cases: readonly (readonly [bigint, bigint])[] = [
    [999_999_999n, 0n],
    [1_000_000_000_999_999_999n, 1_000_000_000n],
    [-1n, -1n],
    [-1_500_000_000n, -2n],
    [-2_000_000_000n, -2n],
    [0n, 0n],
  ];
  for (const [nanoseconds, seconds] of cases) assert.equal(wholeSeconds(nanoseconds), seconds);
});

test('a mode without a file type is refused', () => {
  assert.throws(() => kindOfMode(0o644), TypeError);
});
