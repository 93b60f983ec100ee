import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { DiskPath } from '../../src/bytes/bytes.ts';
import { OpenFile } from '../../src/filesystem/openFile.ts';
import { letSettle, openSettled } from '../../src/filesystem/settle.ts';
import { scratch } from './scratch.ts';

test('a file that was changed just now is waited for, others are not', (t) => {
  const path = join(scratch(t), 'file') as DiskPath;
  fs.writeFileSync(path, 'content');
  const open = openSettled(path);
  assert.ok(open instanceof OpenFile);
  const age = Date.now() - Number(open.entry.changeTimeNs / 1_000_000n);
  assert.ok(age >= 20, `${age} ms old`);
  assert.equal(letSettle(open.entry.changeTimeNs), false);
  assert.equal(letSettle(BigInt(Date.now() + 5000) * 1_000_000n), false, 'another clock');
  open.close();
});

/** Writes into the file, half of it at a time, some times in quick succession, and then rests. */
const writer = `
  const fs = require('node:fs');
  const { workerData: { path, rest, rounds }, parentPort } = require('node:worker_threads');
  const fd = fs.openSync(path, 'r+');
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < 6; at++) {
      const half = Buffer.alloc(50, 97 + ((round * 7 + at) % 26));
      fs.writeSync(fd, half, 0, 50, 0);
      fs.writeSync(fd, half, 0, 50, 50);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, rest);
  }
`;

test('what was read of an unchanged file is what stands in it, for as long as its stamps stay the same', async (t) => {
  const path = join(scratch(t), 'file') as DiskPath;
  fs.writeFileSync(path, Buffer.alloc(100, 'a'));
  const worker = new Worker(writer, { eval: true, workerData: { path, rest: 30, rounds: 60 }, execArgv: [] });
  const over = new Promise((resolve) => worker.once('exit', resolve));
  let isOver = false;
  void over.then(() => (isOver = true));
  let intact = 0;
  const deadline = Date.now() + 10_000;
  while (!isOver && Date.now() < deadline) {
    await new Promise(setImmediate);
    const open = openSettled(path);
    if (!(open instanceof OpenFile)) continue;
    const buffer = Buffer.alloc(100);
    open.read(buffer, 0);
    if (open.unchanged()) {
      const later = fs.readFileSync(path);
      if (open.unchanged()) assert.deepEqual(later.toString(), buffer.toString());
      intact += 1;
    }
    open.close();
  }
  assert.ok(intact > 10, `${intact} reads without a change`);
});
