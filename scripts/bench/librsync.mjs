// Compares src/librsync with rdiff: whole processes, in turn, on the same files, medians.
//   node scripts/bench/librsync.mjs [--mib 1024] [--rounds 3] [--directory DIR]
// Needs about four times --mib of disk in DIR (default: a directory of its own in the system's temporary one) and
// nothing else running: two threads are measured as well. Every result is compared with rdiff's before it counts.
import { spawnSync } from 'node:child_process';
import { randomFillSync, randomInt } from 'node:crypto';
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const MIB = 1024 * 1024;
const top = join(dirname(fileURLToPath(import.meta.url)), '../..');
const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    directory: { type: 'string' },
  },
});
const size = Number(values.mib) * MIB;
const rounds = Number(values.rounds);
const directory = mkdtempSync(join(values.directory ?? tmpdir(), 'librsync-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
const at = (name) => join(directory, name);

async function buildProgram() {
  await import(join(top, 'scripts/build-wasm.mjs'));
  const { build } = await import('esbuild');
  const room = join(top, 'src/librsync');
  for (const variant of ['simd', 'scalar']) {
    await copyFile(join(room, `librsync-${variant}.wasm`), at(`librsync-${variant}.wasm`));
  }
  await copyFile(join(room, 'librsync-worker.generated.js'), at('librsync-worker.mjs'));
  await build({
    entryPoints: [join(top, 'scripts/bench/librsync-program.ts')],
    outfile: at('program.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    define: { 'import.meta.url': 'moduleUrl' },
    banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
}

function writeRandom(name, bytes) {
  const fd = openSync(at(name), 'w');
  const buffer = Buffer.allocUnsafe(4 * MIB);
  for (let left = bytes; left > 0; left -= buffer.length) {
    writeSync(fd, randomFillSync(buffer), 0, Math.min(left, buffer.length));
  }
  closeSync(fd);
}

/** The basis, the basis with 200 small changes, and a quarter as much that has nothing to do with it. */
function makeFiles() {
  writeRandom('basis', size);
  copyFileSync(at('basis'), at('edited'));
  const fd = openSync(at('edited'), 'r+');
  for (let i = 0; i < 200; i++) {
    const edit = randomFillSync(Buffer.allocUnsafe(randomInt(1, 60)));
    writeSync(fd, edit, 0, edit.length, randomInt(0, size - 60));
  }
  closeSync(fd);
  writeRandom('other', size / 4);
}

/** Runs a program; returns its seconds and, for ours, its most memory in bytes. */
function run(program, args) {
  const started = process.hrtime.bigint();
  const { status, stderr } = spawnSync(program, args, { cwd: directory });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return { seconds, memory: Number(stderr.toString()) };
}

const rdiff = (...args) => ['rdiff', ['--force', ...args]];
const ours = (...args) => [process.execPath, [at('program.cjs'), ...args]];
const rdiffSignature = rdiff(
  ...['--hash', 'md4', '--rollsum', 'rollsum', '--block-size', '2048', '--sum-size', '16'],
  ...['signature', 'basis', 'theirs.sig'],
);
const bare = [process.execPath, ['-e', 'process.stderr.write(String(process.resourceUsage().maxRSS * 1024))']];

const sameBytes = (one, two) => spawnSync('cmp', [one, two], { cwd: directory }).status === 0;
const sameSignature = () => sameBytes('theirs.sig', 'ours.sig');
function sameResult(wanted) {
  if (statSync(at('ours.delta')).size > statSync(at('theirs.delta')).size * 1.01) return false;
  run(...rdiff('patch', 'basis', 'ours.delta', 'patched'));
  return sameBytes(wanted, 'patched');
}

const cases = [
  ['signature, one thread', 0.32, rdiffSignature, ours('signature', '0', 'basis', 'ours.sig'), sameSignature],
  ['signature, two threads', 0.22, rdiffSignature, ours('signature', '2', 'basis', 'ours.sig'), sameSignature],
  [
    'delta, 200 small edits',
    0.3,
    rdiff('delta', 'theirs.sig', 'edited', 'theirs.delta'),
    ours('delta', 'theirs.sig', 'edited', 'ours.delta'),
    () => sameResult('edited'),
  ],
  [
    'patch, 200 small edits',
    1,
    rdiff('patch', 'basis', 'theirs.delta', 'theirs.out'),
    ours('patch', 'basis', 'theirs.delta', 'ours.out'),
    () => sameBytes('edited', 'ours.out'),
  ],
  [
    'delta, other data (a quarter)',
    0.2,
    rdiff('delta', 'theirs.sig', 'other', 'theirs.delta'),
    ours('delta', 'theirs.sig', 'other', 'ours.delta'),
    () => sameResult('other'),
  ],
];

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

await buildProgram();
makeFiles();
for (const name of ['basis', 'edited', 'other']) spawnSync('cat', [at(name)], { stdio: 'ignore' });
console.log(`${values.mib} MiB, ${rounds} rounds, ${cpus().length} x ${cpus()[0].model}, Node ${process.version}`);
console.log(`load before: ${loadavg()[0].toFixed(2)}`);
const bareMemory = run(...bare).memory;
console.log('case                            rdiff s  ours s  ratio  wanted  MB above bare Node');
for (const [name, wanted, theirCommand, ourCommand, check] of cases) {
  const pairs = Array.from({ length: rounds }, () => [run(...theirCommand), run(...ourCommand)]);
  if (!check()) throw new Error(`${name}: not the same result as rdiff's`);
  const [their, our] = [0, 1].map((side) => median(pairs.map((pair) => pair[side].seconds)));
  const ratio = median(pairs.map(([one, other]) => other.seconds / one.seconds));
  const memory = Math.max(...pairs.map((pair) => pair[1].memory)) - bareMemory;
  const columns = [
    name.padEnd(31),
    their.toFixed(2).padStart(7),
    our.toFixed(2).padStart(7),
    ratio.toFixed(2).padStart(6),
  ];
  console.log(`${columns.join(' ')}  ${wanted.toFixed(2).padStart(6)}  ${(memory / 1e6).toFixed(0).padStart(5)}`);
}
