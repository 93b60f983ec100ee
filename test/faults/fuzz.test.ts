import { describe, test } from 'node:test';
import { playCase, targets } from './fuzz/play.ts';

/** `scripts/fuzz` plays more of them, for as long as it is let. */
describe('whatever arrives is read or refused, in time', () => {
  const cases = 3000;
  for (const target of targets) {
    test(`${target.name}: ${cases} cases`, () => {
      for (let seed = 1; seed <= cases; seed++) playCase(target, seed);
    });
  }
});
