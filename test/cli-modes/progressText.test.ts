import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, type Pace, progressLine, size } from '../../src/cli/progressText.ts';

function pace(label: string): Pace {
  return { label, done: 5, of: 1000, facts: [size(1_250_000), { long: 'slowly', short: 'slow' }], secondsLeft: 75 };
}

test('words if there is room, else figures, else peers in turn', () => {
  const [a, b, c] = [pace('a'), pace('b'), pace('c')];
  assert.equal(progressLine([], 80, 0), '');
  assert.equal(progressLine([a], 80, 0), 'a: 5 of 1000 files, 1.3 MB, slowly, 1m15s left');
  assert.equal(progressLine([a], 40, 0), 'a 5/1000 1.3M slow 1m15s');
  assert.equal(progressLine([a, b], 60, 7), 'a 5/1000 1.3M slow 1m15s | b 5/1000 1.3M slow 1m15s');
  assert.equal(progressLine([a, b, c], 60, 1), 'b 5/1000 1.3M slow 1m15s | c 5/1000 1.3M slow 1m15s | +1');
  assert.equal(progressLine([a, b, c], 40, 2), 'c 5/1000 1.3M slow 1m15s | +2');
  assert.equal(progressLine([a, b, c], 26, 0), 'a 5/1000 1.3M slow 1m15s');
  assert.equal(progressLine([a], 10, 0), 'a 5/1000 1');
});

test('what is not known is left out', () => {
  const unknown = { label: 'check', done: 3, of: undefined, facts: [], secondsLeft: undefined };
  assert.equal(progressLine([unknown], 80, 0), 'check: 3 files');
  assert.equal(progressLine([unknown], 8, 0), 'check 3');
});

test('no line is longer than its terminal is wide', () => {
  for (let count = 1; count < 12; count++) {
    const paces = Array.from({ length: count }, (_, at) => pace(`host${at}.example.org`));
    for (let width = 1; width < 200; width++) {
      const line = progressLine(paces, width, width);
      assert.ok(line.length <= width && line.length > 0, line);
    }
  }
});

test('sizes and times have about three figures', () => {
  const sizes = [0, 999, 1000, 99_949, 99_951, 999_499, 999_500, 5e9, 2e20].map((bytes) => size(bytes).long);
  assert.deepEqual(sizes, ['0 B', '999 B', '1.0 kB', '99.9 kB', '100 kB', '999 kB', '1.0 MB', '5.0 GB', '200000 PB']);
  assert.deepEqual([0, 0.2, 59, 59.5, 3599, 3600, 100_000].map(duration), [
    ...['0s', '1s', '59s', '1m00s', '59m59s', '1h00m', '27h46m'],
  ]);
});
