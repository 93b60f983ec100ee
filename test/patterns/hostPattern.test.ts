import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fnmatch } from '../../src/patterns/fnmatch.ts';
import { compileHostPattern } from '../../src/patterns/hostPattern.ts';

const cases: readonly (readonly [pattern: string, host: string, matches: boolean])[] = [
  ['*', 'web1', true],
  ['web1', 'web1', true],
  ['web1', 'web10', false],
  ['web*', 'web10', true],
  ['*.example.com', 'web.example.com', true],
  ['*.example.com', 'example.com', false],
  ['web?', 'web1', true],
  ['web[12]', 'web2', true],
  ['web[!12]', 'web2', false],
  ['WEB1', 'web1', false],
  ['{a,b}', 'a', false],
  ['!web1', 'web2', false],
  ['*', '2001:db8::1', true],
  ['2001:*', '2001:db8::1', true],
  ['10.0.*.1', '10.0.3.1', true],
];

for (const [pattern, host, matches] of cases) {
  test(`${pattern} ${matches ? 'matches' : 'does not match'} ${host}`, () => {
    assert.equal(compileHostPattern(pattern)(host), matches);
  });
}

test('gives the answers of fnmatch for any pattern and host', () => {
  const letters = fc.constantFrom(...'aaab01.-_*?[]!:A');
  const property = fc.property(fc.string({ unit: letters, maxLength: 8 }), fc.nat(), (pattern, seed) => {
    for (const host of hostsLike(pattern, seed)) {
      assert.equal(compileHostPattern(pattern)(host), fnmatch(pattern, host), `${pattern} ${host}`);
    }
  });
  fc.assert(property, { numRuns: 3_000 });
});

/** Names that have a good chance to match. */
function hostsLike(pattern: string, seed: number): string[] {
  const fills = ['', 'a', 'b.0', '-'];
  const fill = fills[seed % fills.length] as string;
  return [
    pattern.replace(/\*/g, fill).replace(/\?/g, 'a'),
    pattern.replace(/[*?[\]!]/g, 'a'),
    pattern.replace(/[*?[\]!]/g, ''),
    'a.b-0',
    '.',
    '..',
  ];
}
