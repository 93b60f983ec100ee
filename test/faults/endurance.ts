import fs from 'node:fs';
import { carryOut, randomEdit } from './harness/edits.ts';
import { isInstalled, type Program } from '../scenarios/harness/programs.ts';
import { random, type Random } from './harness/random.ts';
import { RawPeer } from './harness/rawPeer.ts';
import { type FaultHost, Site } from './harness/site.ts';

/**
 * Two daemons, and one of the C program where that is installed, that serve one run after the other, over TLS, one connection
 * in ten from somebody without manners: `endurance.ts MINUTES SEED`. Tells memory and descriptors of ours from time to time,
 * and fails when these grow, when a run hangs, or when the hosts do not agree in the end.
 */
const minutes = Number(process.argv[2] ?? 60);
const seed = Number(process.argv[3] ?? 1);

interface Sample {
  /** KiB. */
  readonly memory: number;
  readonly descriptors: number;
}

function sample({ server }: FaultHost): Sample {
  const pid = server?.pid;
  if (pid === undefined) throw new Error('a server is gone');
  const status = fs.readFileSync(`/proc/${pid}/status`, 'latin1');
  const memory = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  return { memory, descriptors: fs.readdirSync(`/proc/${pid}/fd`).length };
}

/** The first third is for warming up: after it neither may become much more. */
function complaints(samples: readonly Sample[]): string[] {
  const [early, late] = [
    samples.slice(samples.length / 3, (samples.length * 2) / 3),
    samples.slice((samples.length * 2) / 3),
  ];
  const median = (part: readonly Sample[], of: keyof Sample): number =>
    part.map((one) => one[of]).sort((a, b) => a - b)[part.length >> 1] ?? 0;
  const grown = (of: keyof Sample): number => median(late, of) - median(early, of);
  return [
    ...(grown('memory') > 16 << 10 ? [`memory grew by ${grown('memory')} KiB`] : []),
    ...(grown('descriptors') > 2 ? [`there are ${grown('descriptors')} more descriptors`] : []),
  ];
}

/** Connections that end in the middle of a line, of a file, of nothing. */
async function beRude(rng: Random, { name, port }: FaultHost, as: string): Promise<void> {
  const peer = await RawPeer.connect(name, port, as);
  const halves = [
    '',
    'CONF',
    'CONFIG \n',
    'SSL\n',
    `CONFIG \nHELLO ${as}\nSIG x`,
    '\0'.repeat(100_000),
    'GET / HTTP/1.1\n\n',
  ];
  peer.send(rng.pick(halves));
  await new Promise((resolve) => setTimeout(resolve, rng.below(50)));
  peer.close();
}

const programs: readonly Program[] = isInstalled('c') ? ['ours', 'ours', 'c'] : ['ours', 'ours'];
const site = new Site({ hosts: programs.length, programs, tls: true });
const ours = site.hosts.filter(({ program }) => program === 'ours');
process.once('SIGTERM', () => void site.close().finally(() => process.exit(1)));
const rng = random(seed);
const start = Date.now();
const end = start + minutes * 60_000;
const interval = Math.min(60_000, (minutes * 60_000) / 20);
const samples = ours.map((): Sample[] => []);
let runs = 0;
try {
  site.configure('auto younger;');
  for (const host of site.hosts) await host.serve();
  for (let next = start, stamp = 0; Date.now() < end;) {
    const host = rng.pick(site.hosts);
    for (let edits = 1 + rng.below(5); edits > 0; edits--) carryOut(randomEdit(rng, ++stamp, true), host.tree.root);
    if (rng.below(50) === 0)
      host.tree.write('large', Buffer.alloc(5_000_000 + stamp, stamp), { mtime: 1_700_000_000 + stamp });
    await host.run('-x');
    runs += 1;
    if (rng.below(10) === 0) await beRude(rng, rng.pick(ours), rng.pick(site.hosts).name);
    if (Date.now() < next) continue;
    next += interval;
    const now = ours.map(sample);
    now.forEach((one, at) => samples[at]?.push(one));
    const shown = now.map(({ memory, descriptors }) => `${(memory / 1024).toFixed(1)} MiB, ${descriptors} descriptors`);
    console.log(`endurance: ${Math.round((Date.now() - start) / 1000)} s, ${runs} runs: ${shown.join('; ')}`);
  }
  for (let round = 0; round < 2; round++) for (const host of site.hosts) await host.run('-x');
  const wrong = samples.flatMap(complaints);
  const trees = new Set(site.hosts.map(({ tree }) => tree.snapshot().join('\n')));
  if (trees.size > 1 && site.hosts.every((host) => host.rows().dirty.length === 0)) wrong.push('the hosts differ');
  for (const text of wrong) console.error(`endurance: ${text}`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} finally {
  await site.close();
}
