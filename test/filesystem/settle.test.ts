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

/** Writes into the file for good, half of it at a time, some times in quick succession, and then rests, now and then for longer. */
const writer = `
  const fs = require('node:fs');
  const { workerData: { path } } = require('node:worker_threads');
  const fd = fs.openSync(path, 'r+');
  for (let round = 0; ; round++) {
    for (let at = 0; at < 6; at++) {
      const half = Buffer.alloc(50, 97 + ((round * 7 + at) % 26));
      fs.writeSync(fd, half, 0, 50, 0);
      fs.writeSync(fd, half, 0, 50, 50);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30 + (round % 20) * (round % 20));
  }
`;

test('what was read of an unchanged file is what stands in it, for as long as its stamps stay the same', async (t) => {
  const path = join(scratch(t), 'file') as DiskPath;
  fs.writeFileSync(path, Buffer.alloc(100, 'a'));
  const worker = new Worker(writer, { eval: true, workerData: { path }, execArgv: [] });
  t.after(() => worker.terminate());
  let [intact, changed] = [0, 0];
  const deadline = Date.now() + 60_000;
  for (const soonest = Date.now() + 3000; Date.now() < deadline;) {
    if (Date.now() > soonest && intact > 10 && changed > 10) break;
    await new Promise(setImmediate);
    const open = openSettled(path);
    if (!(open instanceof OpenFile)) continue;
    const buffer = Buffer.alloc(100);
    open.read(buffer, 0);
    if (open.unchanged()) {
      const later = fs.readFileSync(path);
      if (open.unchanged()) assert.deepEqual(later.toString(), buffer.toString());
      intact += 1;
    } else changed += 1;
    open.close();
  }
  assert.ok(intact > 10, `${intact} reads without a change`);
});
