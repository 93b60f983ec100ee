import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { decode } from '../../src/bytes/urlEncoding.ts';
import { fnmatch, type FnmatchFlags } from '../../src/patterns/fnmatch.ts';

/** In the order of the bits in the table: see oracle/README.md. */
const flags: readonly FnmatchFlags[] = [
  {},
  { pathname: true },
  { leadingDir: true },
  { pathname: true, leadingDir: true },
];

const table = readFileSync(new URL('fixtures/fnmatch.txt', import.meta.url), 'latin1')
  .trimEnd()
  .split('\n')
  .map((line) => {
    const [pattern = '', text = '', results = ''] = line.split(' ');
    return { pattern: field(pattern), text: field(text), results: parseInt(results, 16) };
  });

function field(encoded: string): string {
  return encoded === '-' ? '' : decode(encoded);
}

describe('fnmatch', () => {
  test('agrees with the C library on every recorded pair', () => {
    assert.ok(table.length > 40_000);
    const wrong = table.filter(({ pattern, text, results }) =>
      flags.some((flag, bit) => fnmatch(pattern, text, flag) !== Boolean(results & (1 << bit))),
    );
    assert.deepEqual(wrong, []);
  });

  test('takes no longer for many stars', () => {
    const text = 'a'.repeat(5_000);
    const pattern = 'a*'.repeat(500) + 'b';
    const before = performance.now();
    for (const flag of flags) assert.equal(fnmatch(pattern, text, flag), false);
    assert.equal(fnmatch('*a'.repeat(500) + '*', text), true);
    assert.ok(performance.now() - before < 1_000);
  });

  test('takes no longer for malformed brackets in great number', () => {
    const before = performance.now();
    fnmatch('[xa-[:alpha:]]'.repeat(200), 'x');
    fnmatch('['.repeat(2_000), 'x');
    assert.ok(performance.now() - before < 3_000);
  });
});
