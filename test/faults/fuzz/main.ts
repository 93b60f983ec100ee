import { parseArgs } from 'node:util';
import { playCase, targets } from './play.ts';
import type { Target } from './target.ts';
import { watch } from './watchdog.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    cases: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
  },
});

const chosen = targets.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) {
  console.error(`fuzz: there is no target ${values.only}; there are ${targets.map(({ name }) => name).join(' ')}`);
  process.exit(1);
}
const seconds = Number(values.seconds ?? (values.cases === undefined ? 60 : Infinity));
const cases = Number(values.cases ?? Infinity);
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000_000);
const tell = watch();

/** Bytes; what nobody refers to any more does not count, where it can be collected on demand. */
function memory(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss;
}

/** What caches and buffers may take once they are warm, and what the allocator keeps. */
const allowedGrowth = 64 << 20;

/** Cases before memory is looked at for the first time, and between two looks. */
const warm = 20_000;

function play(target: Target): number {
  const end = performance.now() + (seconds * 1000) / chosen.length;
  let played = 0;
  let first: number | undefined;
  let most = 0;
  let slowest = 0;
  const share = Math.ceil(cases / chosen.length);
  while (played < share && (played % 64 !== 0 || performance.now() < end)) {
    const seed = (firstSeed + played) % 0x1_0000_0000;
    tell(seed);
    const start = performance.now();
    playCase(target, seed);
    slowest = Math.max(slowest, performance.now() - start);
    played += 1;
    if (played % warm !== 0) continue;
    const now = memory();
    first ??= now;
    most = Math.max(most, now - first);
    if (most > allowedGrowth) throw new Error(`${target.name}: memory grew by ${most} bytes within ${played} cases`);
  }
  const growth = first === undefined ? '' : `, memory +${(most / 2 ** 20).toFixed(1)} MiB`;
  console.log(`fuzz: ${target.name}: ${played} cases, the slowest ${slowest.toFixed(0)} ms${growth}`);
  return played;
}

console.log(`fuzz: seed ${firstSeed}`);
let total = 0;
for (const target of chosen) {
  console.log(`fuzz: ${target.name} …`);
  total += play(target);
}
console.log(`fuzz: ${total} cases passed`);
