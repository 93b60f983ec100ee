import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Encoded } from '../../src/bytes/bytes.ts';
import { formatRows, parseRows, rowAt, sameRows } from '../../src/store/rowLines.ts';

const field = fc.stringMatching(/^[!-~\x80-\xff]{1,300}$/).map((text) => text as Encoded);
const row = fc.tuple(field, field);

function text(rows: readonly (readonly [Encoded, Encoded])[]): string {
  return formatRows(
    rows.map(([name]) => name),
    rows.map(([, checktxt]) => checktxt),
  );
}

test('rows survive being written as text', () => {
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      const { names, checktxts } = parseRows(text(rows));
      assert.deepEqual(
        names.map((name, index) => [name, checktxts[index]]),
        rows,
      );
    }),
  );
});

test('what two texts have in common is found in whole rows, wherever they part', () => {
  const rows = fc.array(row, { maxLength: 40 });
  fc.assert(
    fc.property(rows, rows, rows, rows, (first, second, common, rest) => {
      const [before, other] = [text(first), text(second)];
      const a = before + text(common) + text(rest);
      for (const b of [other + text(common), other + text(common) + text(rest), other + text(common) + text(second)]) {
        const length = sameRows(a, before.length, b, other.length);
        assert.equal(length, sameRowsOneByOne(a.slice(before.length), b.slice(other.length)));
      }
    }),
  );
});

function sameRowsOneByOne(a: string, b: string): number {
  for (let length = 0; ; length = rowAt(a, length).next) {
    if (length === a.length || !b.startsWith(a.slice(0, rowAt(a, length).next))) return length;
  }
}

test('a line that is no row is refused, and the error shows it', () => {
  for (const lines of ['v1\t/a\nv1 /b\n', 'v1\t/a\nv1 /b', 'v1\t/a\nv1\t/b', 'v1\t/a\nv1 /b\nv1\t/c\n']) {
    assert.throws(() => parseRows(lines), { name: 'StoreError', code: 'READ', message: /near "v1(?: |\\t)\/b/ });
  }
});
