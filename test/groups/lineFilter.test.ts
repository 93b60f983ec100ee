import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Encoded, FileName } from '../../src/bytes/bytes.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { lineFilter } from '../../src/groups/coverage.ts';
import { formatRow } from '../../src/store/rowLines.ts';
import { clusterOf } from './clusterOf.ts';

const component = fc.constantFrom('a', 'b', 'a.txt', 'b~', ' c', 'd', 'e', 'f');
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => '/' + parts.join('/'));
const pattern = fc.oneof(path, path, fc.constantFrom('/', '/**/b', '/*/a', '*~', '*.txt', 'd', '%p%', '%p%/a'));
const rule = fc.tuple(fc.constantFrom('include', 'include', 'exclude'), pattern);
const names = fc.uniqueArray(
  fc.oneof(
    path,
    path.map((below) => '%p%' + below),
  ),
  { maxLength: 300 },
);

test('what a filter keeps of a page is what is covered, name by name', () => {
  const groups = fc.array(fc.array(rule, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 2 });
  fc.assert(
    fc.property(groups, names, fc.array(fc.nat(500), { maxLength: 4 }), (rules, listed, longer) => {
      const text = rules.map(
        (list) => `group g { host a b; key k; ${list.map((rule) => rule.join(' ')).join('; ')}; }`,
      );
      const unnamed = text.map((group, index) => group.replace('group g', `group g${index}`));
      const coverage = clusterOf(`${unnamed.join('\n')}\nprefix p { on a: /srv; on b: /srv; }`).coverage();
      const rows = listed
        .map((name) => encode(name))
        .sort((a, b) => (a < b ? -1 : 1))
        .map((name, index) => ({ name, row: formatRow(name, `v1${'x'.repeat(longer[index % 4] ?? 50)}` as Encoded) }));
      const page = rows.map(({ row }) => row).join('');
      const expected = listed.filter((name) => coverage.covers(name as FileName)).map(encode);
      const kept = lineFilter(coverage)(page);
      assert.equal(kept, rows.flatMap(({ name, row }) => (expected.includes(name) ? [row] : [])).join(''));
    }),
    { numRuns: 1000 },
  );
});

test('a page of a directory that is covered as a whole is kept without a look at its names', () => {
  const page = Array.from({ length: 200 }, (_, n) => formatRow(encode(`/a/${n + 100}`), 'v1' as Encoded)).join('');
  const coverage = clusterOf('group g { host a b; key k; include /a; exclude /b; }').coverage();
  const entered: string[] = [];
  const watched = { ...coverage, enter: (dir: FileName) => (entered.push(dir), coverage.enter(dir)) };
  assert.equal(lineFilter(watched)(page), page);
  assert.deepEqual(entered, ['/a']);
});

test('a page without rows stays empty', () => {
  assert.equal(lineFilter(clusterOf('group g { host a b; key k; include /; }').coverage())(''), '');
});
