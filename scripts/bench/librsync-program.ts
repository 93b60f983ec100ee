// What rdiff does, by way of src/librsync: the program that librsync.mjs runs against it.
//   signature THREADS BASIS SIGNATURE | delta SIGNATURE NEW DELTA | patch BASIS DELTA OUTPUT
// On stderr: the most memory that the process ever had, in bytes.
import { fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { Patcher, planDelta, signatureChunks, SignatureReader } from '../../src/librsync/index.ts';

function* readChunks(file: string): Generator<Uint8Array> {
  const fd = openSync(file, 'r');
  const buffer = Buffer.allocUnsafe(256 * 1024);
  for (;;) {
    const length = readSync(fd, buffer);
    if (length === 0) return;
    yield buffer.subarray(0, length);
  }
}

function openSized(file: string): { fd: number; size: number } {
  const fd = openSync(file, 'r');
  return { fd, size: fstatSync(fd).size };
}

async function signature(threads: string, basis: string, target: string): Promise<void> {
  const { fd, size } = openSized(basis);
  const output = openSync(target, 'w');
  for await (const chunk of signatureChunks(fd, size, undefined, { threads: Number(threads) }))
    writeSync(output, chunk);
}

async function delta(signatureFile: string, changed: string, target: string): Promise<void> {
  const reader = new SignatureReader();
  for (const chunk of readChunks(signatureFile)) reader.push(chunk);
  const { fd, size } = openSized(changed);
  const plan = await planDelta(reader.finish(), fd, size);
  const output = openSync(target, 'w');
  for (const chunk of plan.chunks(fd, 256 * 1024)) writeSync(output, chunk);
}

function patch(basis: string, deltaFile: string, target: string): void {
  const { fd, size } = openSized(basis);
  const patcher = new Patcher({ basis: fd, basisSize: size, output: openSync(target, 'w') });
  for (const chunk of readChunks(deltaFile)) patcher.push(chunk);
  patcher.finish();
}

async function main(): Promise<void> {
  const [mode, ...files] = process.argv.slice(2) as [string, string, string, string];
  const [first, second, third] = files;
  if (mode === 'signature') await signature(first, second, third);
  else if (mode === 'delta') await delta(first, second, third);
  else patch(first, second, third);
  process.stderr.write(`${process.resourceUsage().maxRSS * 1024}\n`);
}

void main();
