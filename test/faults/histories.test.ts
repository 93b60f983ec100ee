import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { isInstalled, isRoot, type Program } from '../scenarios/harness/programs.ts';
import { Tree } from '../scenarios/harness/tree.ts';
import { autoMethods, playHistory } from './harness/history.ts';

const long = process.env['LONG_TESTS'] !== undefined;
/** HISTORIES=1 SEED=n plays the history with that number, once in each way. */
const count = Number(process.env['HISTORIES'] ?? (long ? 5000 : 500));
const firstSeed = Number(process.env['SEED'] ?? 1);

/** Teams of ours run in this process; most histories are theirs, since each costs little. */
const ours: readonly (readonly Program[])[] = [
  ['ours', 'ours'],
  ['ours', 'ours', 'ours'],
  ['ours', 'ours'],
  ['ours', 'ours'],
  ['ours', 'ours', 'ours', 'ours'],
];
const mixed: readonly (readonly Program[])[] = [
  ['ours', 'c'],
  ['c', 'ours', 'ours'],
  ['ours', 'ours', 'c'],
];

async function play(seed: number, teams: typeof ours, inProcess: boolean, inTurn: boolean): Promise<void> {
  const programs = teams[seed % teams.length] as readonly Program[];
  const auto = autoMethods[(seed >> 2) % autoMethods.length] ?? 'none';
  const forcing = (seed >> 4) % 4 === 0;
  const { complaints, script } = await playHistory({ seed, programs, inTurn, auto, forcing, inProcess, length: 6 });
  assert.deepEqual(complaints, [], `seed ${seed}; as a script:\n${script}`);
}

const ways = [
  { what: 'ours', teams: ours, inProcess: true, share: 0.864 },
  { what: 'ours and C', teams: mixed, inProcess: true, share: 0.12 },
  { what: 'ours, as processes', teams: ours, inProcess: false, share: 0.016 },
] as const;

/** Some histories at a time: they wait for files, sockets and other processes. */
const atOnce = 4;

describe('random histories', { concurrency: 1 }, () => {
  for (const { what, teams, inProcess, share } of ways) {
    for (const inTurn of [true, false]) {
      const histories = Math.ceil((count * share) / 2);
      const told = inTurn ? 'in turn: everything arrives' : 'at the same time: equal, or the conflict is known';
      test(`${what}, ${told}, nothing is lost (${histories})`, async (t) => {
        if (!isRoot) return t.skip('skipped: needs root');
        if (teams === mixed && !isInstalled('c')) return t.skip('skipped: csync2 (the C program) is not installed');
        let next = firstSeed;
        const worker = async (): Promise<void> => {
          while (next < firstSeed + histories) await play(next++, teams, inProcess, inTurn);
        };
        await Promise.all(Array.from({ length: Math.min(atOnce, histories) }, worker));
      });
    }
  }
});

test('the script that a history is printed as does what the history did', async (t) => {
  if (!isRoot) return t.skip('skipped: needs root');
  const programs = ['ours', 'ours'] as const;
  const options = {
    seed: 2,
    programs,
    inTurn: true,
    auto: 'none',
    forcing: false,
    inProcess: false,
    length: 6,
  } as const;
  const { complaints, script, snapshot } = await playHistory(options);
  assert.deepEqual(complaints, []);
  assert.ok(snapshot.length > 3, snapshot.join('\n'));
  const output = await new Promise<string>((resolve) => {
    execFile('bash', ['-c', script], { timeout: 60_000 }, (_, said) => resolve(said));
  });
  const directory = /^all there is: (.*)$/m.exec(output)?.[1];
  assert.ok(directory, output);
  t.after(() => rmSync(directory, { recursive: true }));
  // Nothing failed, nothing differs, nothing is dirty.
  assert.equal(output, `all there is: ${directory}\n`);
  for (const host of ['h1', 'h2']) assert.deepEqual(new Tree(`${directory}/${host}/tree`).snapshot(), snapshot);
});
