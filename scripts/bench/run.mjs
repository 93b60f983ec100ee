#!/usr/bin/env node
// Measures csync2 against the C program and rsync on this machine, in turn, on the same files.
//   scripts/bench/run.mjs [--full] [--rounds N] [--only TEXT] [--json FILE] [--directory DIR] [--c PATH] [--librsync]
// Without --full: 10,000 files, two minutes on an idle machine. With it: 128,000 files in 5,200 directories (1.4 GB), a file of 1 GiB,
// and up to 20 GB of disk in DIR (in memory, with less than 32 GB of it, run the last job by itself). --only: jobs whose name contains TEXT. --librsync: also the bench of src/librsync.
// Build first; nothing else should be running. Everything it makes is removed at the very end.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { jobs } from './jobs.mjs';
import { median } from './measure.mjs';
import { makeCredentials } from './site.mjs';
import { makeTree } from './tree.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    directory: { type: 'string', default: tmpdir() },
    c: { type: 'string', default: '/usr/sbin/csync2' },
    librsync: { type: 'boolean', default: false },
  },
});
const size = values.full
  ? { files: 128_000, directories: 5200, largeSize: 1 << 30, rounds: 5, longRounds: 1 }
  : { files: 10_000, directories: 410, largeSize: 128 << 20, rounds: 5, longRounds: 1 };
const directory = mkdtempSync(join(values.directory, 'csync2-bench-'));
const bench = {
  ...size,
  full: values.full,
  directory,
  credentials: join(directory, 'credentials'),
  tree: join(directory, 'tree'),
  ours: join(here, '../../dist/csync2'),
  theirs: values.c,
};

try {
  await main();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function main() {
  for (const program of [bench.ours, bench.theirs, '/usr/bin/rsync', '/usr/bin/time']) {
    if (!existsSync(program)) throw new Error(`There is no ${program}, which this bench needs.`);
  }
  const machine = `${cpus().length} x ${cpus()[0].model.trim()}, Node ${process.version}`;
  console.log(`${size.files} files in ${size.directories} directories; ${machine}; load ${loadavg()[0].toFixed(1)}`);
  makeCredentials(bench.credentials);
  makeTree(bench.tree, size);
  const results = [];
  for (const job of jobs(bench).filter(({ name }) => name.includes(values.only))) {
    const result = await runJob(job);
    results.push(result);
    print(result);
  }
  if (values.json !== undefined) {
    const facts = { machine, files: size.files, directories: size.directories, date: new Date().toISOString() };
    writeFileSync(values.json, JSON.stringify({ ...facts, results }, undefined, 2) + '\n');
  }
  if (values.librsync) {
    const mib = String(bench.largeSize >> 20);
    spawnSync(process.execPath, [join(here, 'librsync.mjs'), '--mib', mib], { stdio: 'inherit' });
  }
}

async function runJob({ name, isLong = false, contestants }) {
  const rounds = Number(values.rounds ?? (isLong ? size.longRounds : size.rounds));
  for (const contestant of contestants) await contestant.prepare();
  const measured = contestants.map(() => []);
  const loads = [];
  for (let round = 0; round < rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      measured[index].push(await contestant.run());
      loads.push(loadavg()[0]);
    }
  }
  const [base] = measured;
  return {
    job: name,
    rounds,
    load: median(loads),
    contestants: contestants.map((contestant, index) => summary(contestant.name, measured[index], base)),
  };
}

/** `ratio`s are medians of the ratios within a round: what slows the machine down slows both. */
function summary(name, runs, base) {
  const of = (what) => median(runs.map((run) => run[what]));
  const ratio = (what) => median(runs.map((run, round) => run[what] / base[round][what]));
  const serverMemory = Math.max(...runs.map((run) => run.serverMemory ?? 0));
  return {
    name,
    seconds: of('seconds'),
    ratio: ratio('seconds'),
    cpu: of('cpu'),
    cpuRatio: ratio('cpu'),
    memory: Math.max(...runs.map((run) => run.memory)),
    ...(serverMemory > 0 ? { serverMemory } : {}),
  };
}

function print({ job, rounds, load, contestants }) {
  console.log(`\n${job}: ${rounds} round${rounds === 1 ? '' : 's'}, load ${load.toFixed(1)}`);
  console.log(`  ${''.padEnd(22)} seconds  ratio     cpu  ratio   MB  server MB`);
  for (const { name, seconds, ratio, cpu, cpuRatio, memory, serverMemory } of contestants) {
    const columns = [
      name.padEnd(22),
      seconds.toFixed(2).padStart(7),
      ratio.toFixed(2).padStart(6),
      cpu.toFixed(2).padStart(7),
      cpuRatio.toFixed(2).padStart(6),
      memory.toFixed(0).padStart(4),
      serverMemory === undefined ? '' : serverMemory.toFixed(0).padStart(10),
    ];
    console.log(`  ${columns.join(' ')}`);
  }
}
