import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { DiskPath } from '../../src/bytes/bytes.ts';
import { OpenFile, openFile } from '../../src/filesystem/openFile.ts';
import { signBytes } from '../../src/librsync/index.ts';
import { signatureOf } from '../../src/session/signed.ts';

const size = 3 << 20;
/** Longer than a file must have been left alone for its signature to be kept. */
const longEnough = 1100;

function file(t: TestContext): string {
  const directory = fs.mkdtempSync(join(tmpdir(), 'csync2-signed-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  fs.writeFileSync(join(directory, 'file'), Buffer.alloc(size, 'before'));
  return join(directory, 'file');
}

function open(path: string): OpenFile {
  const opened = openFile(path as DiskPath);
  assert.ok(opened instanceof OpenFile);
  return opened;
}

async function sign(opened: OpenFile): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of signatureOf(opened)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function signPath(path: string): Promise<Buffer> {
  const opened = open(path);
  try {
    return await sign(opened);
  } finally {
    opened.close();
  }
}

/** Fails for whoever wants to read: nothing is open at its descriptor. */
function unreadable(path: string): OpenFile {
  const opened = open(path);
  opened.close();
  return new OpenFile(1 << 20, opened.path, opened.entry);
}

test('the signature of a large file that is asked for again is not made again, and once more it is', async (t) => {
  const path = file(t);
  await pause(longEnough);
  const first = await signPath(path);
  assert.deepEqual(first, Buffer.from(signBytes(fs.readFileSync(path))));
  assert.deepEqual(await sign(unreadable(path)), first);
  await assert.rejects(sign(unreadable(path)), { code: 'EBADF' });
});

test('what was written to meanwhile is signed anew', async (t) => {
  const path = file(t);
  await pause(longEnough);
  await signPath(path);
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, 'after', 5000);
  fs.closeSync(fd);
  assert.deepEqual(await signPath(path), Buffer.from(signBytes(fs.readFileSync(path))));
});

test('another file of the same size is signed anew', async (t) => {
  const [one, other] = [file(t), file(t)];
  fs.writeFileSync(other, Buffer.alloc(size, 'after'));
  await pause(longEnough);
  await signPath(one);
  assert.deepEqual(await signPath(other), Buffer.from(signBytes(fs.readFileSync(other))));
});

test('the signature of a file that was changed only just now is not kept: its time may not tell of the next change', async (t) => {
  const path = file(t);
  const { size } = fs.statSync(path);
  let isSoon = false;
  for (let patience = 50; !isSoon && patience > 0; patience--) {
    fs.truncateSync(path, size + patience);
    const before = Date.now();
    await signPath(path);
    isSoon = Date.now() - before < 1000;
  }
  assert.ok(isSoon);
  await assert.rejects(sign(unreadable(path)), { code: 'EBADF' });
});
