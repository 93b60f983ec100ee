import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, describe, test } from 'node:test';
import fc from 'fast-check';
import {
  deltaFile,
  EMPTY_SIGNATURE,
  emptySignature,
  parseSignature,
  planDelta,
  planDeltaSync,
  signBytes,
  type SignatureParameters,
} from '../../src/librsync/index.ts';
import { preferVariant } from '../../src/librsync/kernel.ts';
import { failsWith, noise, patch, path, rdiffDelta, rdiffPatch, withFile, withoutRdiff } from './support.ts';

afterEach(() => preferVariant('simd'));

function delta(signature: Uint8Array, content: Uint8Array): Uint8Array {
  return withFile(content, (fd, size) => deltaFile(parseSignature(signature), fd, size));
}

type Edit =
  | { kind: 'insert'; at: number; length: number }
  | { kind: 'delete'; at: number; length: number }
  | { kind: 'change'; at: number; length: number }
  | { kind: 'copy'; at: number; length: number; to: number };

const place = fc.double({ min: 0, max: 1, noNaN: true });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), at: place, length: fc.integer({ min: 1, max: 3000 }) }),
  fc.record({ kind: fc.constant('delete' as const), at: place, length: fc.integer({ min: 1, max: 9000 }) }),
  fc.record({ kind: fc.constant('change' as const), at: place, length: fc.integer({ min: 1, max: 100 }) }),
  fc.record({ kind: fc.constant('copy' as const), at: place, length: fc.integer({ min: 1, max: 20000 }), to: place }),
);

function apply(content: Buffer, change: Edit, seed: number): Buffer {
  const at = Math.floor(change.at * content.length);
  const fresh = () => noise(change.length, seed);
  switch (change.kind) {
    case 'insert':
      return Buffer.concat([content.subarray(0, at), fresh(), content.subarray(at)]);
    case 'delete':
      return Buffer.concat([content.subarray(0, at), content.subarray(at + change.length)]);
    case 'change':
      return Buffer.concat([content.subarray(0, at), fresh(), content.subarray(at + change.length)]);
    case 'copy': {
      const to = Math.floor(change.to * content.length);
      const piece = content.subarray(at, at + change.length);
      return Buffer.concat([content.subarray(0, to), piece, content.subarray(to)]);
    }
  }
}

/** Content in which blocks repeat, also at odd places: random, periodic or constant stretches. */
const content = fc
  .array(fc.tuple(fc.constantFrom('noise', 'zeros', 'text'), fc.integer({ min: 0, max: 12000 }), fc.nat(50)), {
    maxLength: 12,
  })
  .map((parts) =>
    Buffer.concat(
      parts.map(([kind, length, seed]) => {
        if (kind === 'noise') return noise(length, seed);
        return kind === 'zeros' ? Buffer.alloc(length) : Buffer.alloc(length, `line of text ${seed}\n`);
      }),
    ),
  );
const parameters: fc.Arbitrary<SignatureParameters> = fc.record({
  blockLength: fc.constantFrom(64, 512, 700, 1024, 2048, 65536),
  strongLength: fc.integer({ min: 8, max: 16 }),
});

for (const variant of ['simd', 'scalar'] as const) {
  test(`any edits: the delta makes the new file (${variant})`, () => {
    preferVariant(variant);
    fc.assert(
      fc.property(content, fc.array(edit, { maxLength: 6 }), parameters, (basis, edits, chosen) => {
        const changed = edits.reduce(apply, basis);
        const made = delta(signBytes(basis, chosen), changed);
        assert.ok(patch(basis, made).equals(changed));
      }),
      { numRuns: 150 },
    );
  });
}

test("librsync applies ours, we apply librsync's, and ours are no longer", { skip: withoutRdiff }, () => {
  fc.assert(
    fc.property(content, fc.array(edit, { maxLength: 6 }), parameters, (basis, edits, chosen) => {
      const changed = edits.reduce(apply, basis);
      const signature = signBytes(basis, chosen);
      const ours = delta(signature, changed);
      const theirs = rdiffDelta(signature, changed);
      assert.ok(rdiffPatch(basis, ours).equals(changed));
      assert.ok(patch(basis, theirs).equals(changed));
      assert.ok(ours.length <= theirs.length * 1.01 + 1, `${ours.length} bytes, librsync ${theirs.length}`);
    }),
    { numRuns: 80 },
  );
});

test('real files against each other: deltas no longer than those of librsync', { skip: withoutRdiff }, () => {
  const folder = 'node_modules/typescript/lib/';
  const libraries = readdirSync(folder).filter((name) => name.startsWith('lib.es'));
  const base = Buffer.concat(libraries.map((name) => readFileSync(folder + name)));
  const shuffled = Buffer.concat(libraries.reverse().map((name) => readFileSync(folder + name)));
  for (const blockLength of [512, 2048]) {
    const signature = signBytes(base, { blockLength, strongLength: 16 });
    const ours = delta(signature, shuffled);
    const theirs = rdiffDelta(signature, shuffled);
    assert.ok(rdiffPatch(base, ours).equals(shuffled));
    assert.ok(ours.length <= theirs.length * 1.01, `${ours.length} bytes, librsync ${theirs.length}`);
    assert.ok(ours.length < shuffled.length / 2);
  }
});

describe('many blocks that match by weak sum only', () => {
  // Swapping x and y = x + 1 three places apart keeps both sums: 1,0,0,-1 against 0,1,-1,0 around any byte.
  const twist = (block: Uint8Array, at: number) => {
    for (const [offset, step] of [
      [0, 1],
      [1, -1],
      [2, -1],
      [3, 1],
    ] as const)
      block[at + offset] = (block[at + offset] as number) + step;
  };

  test('are not taken for matches, and true ones among them are found', () => {
    const blocks = Array.from({ length: 300 }, (_, i) => noise(2048, i).map((byte) => (byte % 200) + 10));
    const basis = Buffer.concat(blocks);
    const twisted = blocks.map((block, i) => {
      const copy = Uint8Array.from(block);
      if (i % 40 !== 39) twist(copy, 6 * i);
      return copy;
    });
    // An odd byte in front: nothing is where it is expected.
    const changed = Buffer.concat([Buffer.from('x'), ...twisted]);
    const signature = signBytes(basis);
    assert.equal(Buffer.compare(signBytes(twisted[0] as Uint8Array).subarray(12, 16), signature.subarray(12, 16)), 0);
    const made = delta(signature, changed);
    assert.ok(patch(basis, made).equals(changed));
    const copied = withFile(changed, (fd, size) => planDeltaSync(parseSignature(signature), fd, size).copiedBytes);
    assert.equal(copied, 7 * 2048);
  });
});

test('a signature made to collide costs matches, not time', () => {
  const records = Buffer.alloc(12 + 40000 * 20);
  Buffer.from(signBytes(new Uint8Array(0))).copy(records);
  for (let i = 0; i < 40000; i++) records.writeUInt32BE(i, 12 + i * 20 + 4);
  const changed = noise(300_000, 9);
  const started = performance.now();
  const made = delta(records, changed);
  assert.ok(performance.now() - started < 20_000);
  assert.equal(made.length, changed.length + 5 + 5);
});

describe('plans', () => {
  const basis = noise(3_000_000, 20);
  const changed = Buffer.concat([basis.subarray(1_000_000), noise(70_000, 21), basis.subarray(0, 900_001)]);
  const signature = signBytes(basis);

  test('know the length of the delta, and give it in chunks of any size', async () => {
    writeFileSync(path('planned'), changed);
    const fd = openSync(path('planned'), 'r');
    const plan = await planDelta(parseSignature(signature), fd, changed.length);
    const whole = Buffer.from(plan.toBytes(fd));
    assert.equal(whole.length, plan.byteLength);
    assert.equal(plan.literalBytes + plan.copiedBytes, changed.length);
    for (const chunkBytes of [32, 33, 1000, 65536, 1 << 22]) {
      const chunks = [...plan.chunks(fd, chunkBytes)];
      assert.ok(chunks.every((chunk) => chunk.length > 0 && chunk.length <= chunkBytes));
      assert.ok(Buffer.concat(chunks).equals(whole));
    }
    assert.ok(patch(basis, whole).equals(changed));
    closeSync(fd);
  });

  test('a file that becomes shorter before or after planning is an error', async () => {
    writeFileSync(path('shrinking'), changed);
    const fd = openSync(path('shrinking'), 'r');
    const plan = planDeltaSync(parseSignature(signature), fd, changed.length);
    const literal = planDeltaSync(EMPTY_SIGNATURE, fd, changed.length);
    truncateSync(path('shrinking'), 1000);
    assert.throws(() => [...literal.chunks(fd)], failsWith('CHANGED'));
    assert.throws(() => plan.toBytes(fd), failsWith('CHANGED'));
    await assert.rejects(planDelta(parseSignature(signature), fd, changed.length), failsWith('CHANGED'));
    closeSync(fd);
  });

  test('a signature can be used again, also after an error, but for one plan at a time', async () => {
    writeFileSync(path('again'), changed);
    const fd = openSync(path('again'), 'r');
    const shared = parseSignature(signature);
    assert.throws(() => planDeltaSync(shared, fd, changed.length + 1), failsWith('CHANGED'));
    const first = planDelta(shared, fd, changed.length);
    const second = planDelta(parseSignature(signature), fd, changed.length);
    assert.equal((await first).byteLength, (await second).byteLength);
    assert.equal(planDeltaSync(shared, fd, changed.length).byteLength, (await first).byteLength);
    closeSync(fd);
  });

  test('against nothing the delta is the file', () => {
    for (const length of [0, 1, 64, 65, 255, 256, 65535, 65536]) {
      const data = noise(length, length);
      for (const nothing of [EMPTY_SIGNATURE, emptySignature({ blockLength: 512, strongLength: 8 })]) {
        const made = withFile(data, (fd, size) => deltaFile(nothing, fd, size));
        assert.ok(patch(Buffer.alloc(0), made).equals(data));
      }
    }
    assert.equal(Buffer.from(delta(signBytes(basis), Buffer.alloc(0))).toString('hex'), '7273023600');
  });
});
