import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRoot } from '../scenarios/harness/programs.ts';
import { type Crew, Together } from './harness/together.ts';

/** Lets programs see another time than the kernel gives to files. */
const library = fs
  .readdirSync('/usr/lib')
  .map((directory) => `/usr/lib/${directory}/faketime/libfaketimeMT.so.1`)
  .find((path) => fs.existsSync(path));
/** By how much it is set forwards or back, in seconds. */
const [little, much] = [
  ['+0.7', '-0.7', '+0.9', '+0.1', '-0.9', '+0'],
  ['+3600', '-3600', '+34560000', '-34560000', '+1.3', '+0'],
];
const seconds = process.env['LONG_TESTS'] === undefined ? 5 : 60;

/** What the library leaves behind of processes that are killed. */
const remains = (): string[] => fs.readdirSync('/dev/shm').filter((name) => /^(sem\.)?faketime_/.test(name));

const busy: Crew = {
  serving: 'ours',
  running: [
    ['ours', '-x'],
    ['ours', '-x'],
  ],
};

for (const areAlike of [false, true]) {
  // What is changed twice within one second is told by whether that second is over.
  const steps = areAlike ? little : much;
  const what = areAlike ? 'a little while programs run and changes look alike' : 'while programs run';
  test(`a clock that is set ${what}: nothing is lost, all that differs is known`, async (t) => {
    if (!isRoot) return t.skip('skipped: needs root');
    if (library === undefined) return t.skip('skipped: no libfaketime');
    const directory = fs.mkdtempSync(join(tmpdir(), 'csync2-clock-'));
    const before = remains();
    t.after(() => {
      fs.rmSync(directory, { recursive: true });
      for (const name of remains()) if (!before.includes(name)) fs.rmSync(join('/dev/shm', name));
    });
    const file = join(directory, 'offset');
    const set = (offset: string): void => {
      fs.writeFileSync(`${file}.new`, `${offset}\n`);
      fs.renameSync(`${file}.new`, file);
    };
    set('+0');
    const faked = [`LD_PRELOAD=${library}`, `FAKETIME_TIMESTAMP_FILE=${file}`, 'FAKETIME_NO_CACHE=1'];
    const wrap = ['env', ...faked, 'NO_FAKE_STAT=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1'];
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const atLeast = { runs: 4, stamps: 21 };
    const together = new Together({ crews: [busy, busy], seconds, atLeast, seed, areAlike, wrap });
    let isOver = false;
    const playing = together.play().finally(() => (isOver = true));
    for (let step = 0; !isOver; step++) {
      await sleep(300);
      set(steps[step % steps.length] ?? '+0');
    }
    await playing;
    t.diagnostic(`seed ${seed}: ${together.figures.runs} runs, ${together.figures.stamps} changes`);
    assert.deepEqual(together.complaints, []);
  });
}
