import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { FileName } from '../../src/bytes/bytes.ts';
import { PatternSet } from '../../src/patterns/patternSet.ts';
import type { Pattern } from '../../src/patterns/rules.ts';
import { plainCovers, plainMayContain } from './plainReading.ts';

/** `+` include, `-` exclude, `=` compare. */
function patterns(...written: string[]): Pattern[] {
  const kinds = { '+': 'include', '-': 'exclude', '=': 'compare' } as const;
  return written.map((one) => ({ kind: kinds[one[0] as keyof typeof kinds], text: one.slice(1) }));
}

const coverCases: readonly (readonly [patterns: string[], name: string, covered: boolean])[] = [
  [[], '/a', false],
  [['+/data'], '/data', true],
  [['+/data'], '/data/a/b', true],
  [['+/data'], '/database', false],
  [['+/data/'], '/data', true],
  [['+/data//'], '/data/x', true],
  [['+/'], '/data', false],
  [['+/*'], '/data/x', true],
  [['+/data/*'], '/data', false],
  [['+/data/*.txt'], '/data/a.txt', true],
  [['+/data/*.txt'], '/data/.txt', true],
  [['+/data/*.txt'], '/data/sub/a.txt', false],
  [['+/data/*.txt'], '/data/dir.txt/anything', true],
  [['+/data/**.txt'], '/data/sub/a.txt', true],
  [['+/*/**.txt'], '/a/b/c.txt', true],
  [['+/data', '-*.tmp'], '/data/a.tmp', false],
  [['+/data', '-*.tmp'], '/data/dir.tmp/file', true],
  [['+/data', '-*.tmp', '+keep.tmp'], '/data/keep.tmp', true],
  [['-*.tmp', '+/data'], '/data/a.tmp', false],
  [['-/data/x', '+/data'], '/data/x/y', true],
  [['+/data', '-/data/x'], '/data/x/y', false],
  [['+/data', '-/data/x', '+/data/x/y'], '/data/x/y/z', true],
  [['+/data', '-*', '+*.c'], '/data/a.c', true],
  [['+/data', '-*', '+*.c'], '/data/a.h', false],
  [['+%home%'], '%home%', true],
  [['+%home%'], '%home%/bob/x', true],
  [['+%home%/*/.ssh'], '%home%/bob/.ssh/id', true],
  [['+%home%'], '/home/bob', false],
  [['+/a b$c'], '/a b$c', true],
  [['+/a%20b'], '/a b', false],
  [['+/data', '-data'], '/data', false],
  [['+/data', '-%home%'], '%home%', false],
  [['=/data'], '/data', false],
  [['+/data', '-a/b'], '/data/a/b', true],
  [['+/[ab]/x'], '/b/x/y', true],
  [['+/a\\*'], '/a*', true],
  [['+/a\\*'], '/ab', false],
  [['+/a\\'], '/a', false],
  [['+/\xe9?'], '/\xe9\xff', true],
];

describe('covers', () => {
  for (const [written, name, covered] of coverCases) {
    test(`${written.join(' ') || 'no pattern'}: ${name} is ${covered ? '' : 'not '}covered`, () => {
      assert.equal(PatternSet.compile(patterns(...written)).covers(name as FileName), covered);
    });
  }

  test('compare patterns count in compare mode only', () => {
    const set = PatternSet.compile(patterns('=/data', '-*.o'));
    assert.equal(set.covers('/data/a.c' as FileName), false);
    assert.equal(set.covers('/data/a.c' as FileName, true), true);
    assert.equal(set.covers('/data/a.o' as FileName, true), false);
  });
});

const enterCases: readonly (readonly [patterns: string[], directory: string, entered: boolean])[] = [
  [[], '/', true],
  [['+/data/a/b'], '/data', true],
  [['+/data/a/b'], '/data/a', true],
  [['+/data/a/b'], '/data/b', false],
  [['+/data/a/b'], '/other', false],
  [['+/data'], '/data/x', true],
  [['+/data', '-x'], '/data/x', false],
  [['+/data', '-x', '+/data/x/keep'], '/data/x', true],
  [['+/data', '-/data/x'], '/data/x', false],
  [['+/data', '-/data/x', '+/data/x/keep'], '/data/x', true],
  [['+/data', '+/data/x/keep', '-/data/x'], '/data/x', true],
  [['+/data/x/y/z', '-/data/x'], '/data/x/y', false],
  [['+/data/x/y', '-x', '+/data'], '/data/x', true],
  [['-/data/a/b'], '/data', false],
  [['+/*/x'], '/anything', true],
  [['+/data/**/x'], '/data/a/b', true],
  [['+/data/**.txt'], '/data', true],
  [['+/data/**.txt'], '/data/a', false],
  [['+%home%/bob'], '%home%', true],
];

describe('mayContain', () => {
  for (const [written, directory, entered] of enterCases) {
    test(`${written.join(' ') || 'no pattern'}: ${directory} is ${entered ? '' : 'not '}entered`, () => {
      assert.equal(PatternSet.compile(patterns(...written)).mayContain(directory as FileName), entered);
    });
  }
});

const component = fc.constantFrom('a', 'b', 'ab', 'a.t', 'b.t', '.t', 'x');
const piece = fc.constantFrom('a', 'b', 'ab', '*', '?', '*.t', 'a*', '**', '**.t', '[ab]', '[!a]*', 'x', '[a/b]');
const pathText = fc
  .tuple(fc.constantFrom('/', '/', '%p%/'), fc.array(piece, { minLength: 1, maxLength: 4 }))
  .map(([root, pieces]) => root + pieces.join('/'));
const pattern: fc.Arbitrary<Pattern> = fc.record({
  kind: fc.constantFrom('include' as const, 'include' as const, 'exclude' as const, 'compare' as const),
  text: fc.oneof({ weight: 3, arbitrary: pathText }, { weight: 1, arbitrary: piece }),
});
const names = fc.uniqueArray(
  fc
    .tuple(fc.constantFrom('', '', '%p%'), fc.array(component, { minLength: 1, maxLength: 5 }))
    .map(([root, parts]) => `${root}/${parts.join('/')}`),
  { minLength: 5, maxLength: 30 },
);

describe('for any patterns and names', () => {
  const property = (check: (set: PatternSet, list: Pattern[], name: FileName, compareMode: boolean) => void) =>
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 7 }), names, fc.boolean(), (list, tree, compareMode) => {
        const set = PatternSet.compile(list);
        for (const name of tree) check(set, list, name as FileName, compareMode);
      }),
      { numRuns: 1_500 },
    );

  test('covers() does what the rules say, read one pattern after the other', () => {
    property((set, list, name, compareMode) => {
      assert.equal(set.covers(name, compareMode), plainCovers(list, name, compareMode));
    });
  });

  test('the matcher of a directory agrees with covers() and mayContain()', () => {
    property((set, _, name, compareMode) => {
      const parts = name.split('/');
      const root = parts[0] === '' ? '/' : (parts[0] as string);
      let matcher = set.enter(root as FileName, compareMode);
      let path = parts[0] as string;
      for (const part of parts.slice(1)) {
        path += '/' + part;
        assert.equal(matcher.covers(part), set.covers(path as FileName, compareMode), path);
        assert.equal(matcher.mayContain(part), set.mayContain(path as FileName, compareMode), path);
        matcher = matcher.enter(part);
      }
    });
  });

  test('mayContain() leaves out only directories that hold nothing that is covered', () => {
    property((set, list, name, compareMode) => {
      const parts = name.split('/');
      for (let length = 2; length <= parts.length; length++) {
        const directory = parts.slice(0, length).join('/') as FileName;
        const entered = set.mayContain(directory, compareMode);
        if (entered === plainMayContain(list, directory, compareMode)) continue;
        assert.equal(entered, false, directory);
        for (const below of ['a', 'b', 'a/b', 'ab/a.t', 'x', 'x/x/x', '.t']) {
          assert.equal(plainCovers(list, `${directory}/${below}`, compareMode), false, `${directory}/${below}`);
        }
      }
    });
  });

  test('nothing in a barren directory is covered', () => {
    property((set, list, name, compareMode) => {
      if (!set.enter(name, compareMode).isBarren) return;
      for (const below of ['a', 'b/a', 'x/x', 'a.t'])
        assert.equal(plainCovers(list, `${name}/${below}`, compareMode), false);
    });
  });
});

test('thousands of fixed paths cost nothing where they do not apply', () => {
  const many = Array.from({ length: 5_000 }, (_, index) => `+/srv/data/${index}/x`);
  const set = PatternSet.compile(patterns('+/usr', ...many, '-*.o'));
  const before = performance.now();
  for (let directory = 0; directory < 2_000; directory++) {
    const matcher = set.enter(`/usr/lib/${directory}` as FileName);
    for (let file = 0; file < 100; file++) assert.ok(matcher.covers(`file${file}`));
  }
  assert.ok(performance.now() - before < 2_000);
});
