import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isInstalled, isRoot, type Program } from '../scenarios/harness/programs.ts';
import { type HistoryOptions, playHistory } from './harness/history.ts';

const seconds = Number(process.env['HISTORY_SECONDS'] ?? (process.env['CSYNC2_LONG'] === undefined ? 12 : 300));
const firstSeed = Number(process.env['SEED'] ?? 1);

const teams: readonly (readonly Program[])[] = [
  ['ours', 'ours'],
  ['ours', 'ours', 'ours'],
  ['ours', 'c'],
  ['c', 'ours', 'ours'],
];

/** SEED=n HISTORY_SECONDS=1 plays the history with that number first. */
describe('random histories', { concurrency: 2 }, () => {
  for (const inTurn of [true, false]) {
    test(inTurn ? 'in turn: everything arrives' : 'at the same time: equal, or the conflict is known', async (t) => {
      if (!isRoot) return t.skip('skipped: needs root');
      const end = Date.now() + seconds * 1000;
      let played = 0;
      for (let seed = firstSeed; Date.now() < end; seed++) {
        const programs = teams[seed % teams.length] as readonly Program[];
        if (programs.includes('c') && !isInstalled('c')) continue;
        const auto = (['none', 'younger', 'first', 'left'] as const)[(seed >> 2) % 4] as HistoryOptions['auto'];
        const { complaints, script } = await playHistory({ seed, programs, inTurn, auto, length: 8 });
        assert.deepEqual(complaints, [], script);
        played += 1;
      }
      t.diagnostic(`${played} histories`);
    });
  }
});
