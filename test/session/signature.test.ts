import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DiskPath } from '../../src/bytes/bytes.ts';
import { OpenFile, openFile } from '../../src/filesystem/openFile.ts';
import { parseSignature, signatureLength, signBytes } from '../../src/librsync/index.ts';
import { parseBlobHeader } from '../../src/protocol/blobs.ts';
import { sendSignature } from '../../src/session/commands/signature.ts';
import type { Session } from '../../src/session/session.ts';
import { scratch } from '../filesystem/scratch.ts';

async function sent(open: OpenFile): Promise<{ header: string; bytes: Buffer; log: string[] }> {
  const replies: string[] = [];
  const pieces: Uint8Array[] = [];
  const log: string[] = [];
  const session = {
    reply: (line: string) => void replies.push(line),
    replyBytes: (bytes: Uint8Array) => void pieces.push(Uint8Array.from(bytes)),
    flush: () => Promise.resolve(),
    log: { error: (text: string) => void log.push(text) },
  };
  await sendSignature(session as unknown as Session, open);
  assert.equal(replies.length, 1);
  return { header: replies[0] as string, bytes: Buffer.concat(pieces), log };
}

const block = 2048;
const record = 20;

test('a signature is as long as announced, whatever is left of the file; of what is gone it matches nothing', async (t) => {
  const path = join(scratch(t), 'file') as DiskPath;
  for (const size of [0, 1, block - 1, block, block + 1, 2 * block, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 9 << 20]) {
    const content = Buffer.alloc(size, 'some content. ');
    const whole = signBytes(content);
    for (const left of new Set([0, Math.min(1, size), Math.floor(size / 2), Math.max(size - 1, 0), size])) {
      fs.writeFileSync(path, content);
      const open = openFile(path);
      assert.ok(open instanceof OpenFile);
      fs.truncateSync(path, left);
      const { header, bytes, log } = await sent(open);
      open.close();
      assert.equal(parseBlobHeader(header), signatureLength(size));
      assert.equal(bytes.length, signatureLength(size), `${left} of ${size}`);
      assert.equal(parseSignature(bytes).blockLength, block);
      const intact = 12 + record * (left === size ? Math.ceil(size / block) : Math.floor(left / block));
      assert.ok(bytes.subarray(0, intact).equals(whole.subarray(0, intact)), `${left} of ${size}`);
      const lost = 12 + record * Math.ceil(left / block);
      assert.ok(bytes.subarray(lost).every((byte) => byte === 0));
      assert.deepEqual(log, []);
    }
  }
});

test('what cannot be read at all is signed, too, and told', async (t) => {
  const directory = scratch(t);
  const path = join(directory, 'file') as DiskPath;
  for (const size of [100, (1 << 20) + 1, 9 << 20]) {
    fs.writeFileSync(path, Buffer.alloc(size, 'x'));
    const open = openFile(path);
    assert.ok(open instanceof OpenFile);
    // A descriptor that nothing can be read from.
    const fd = fs.openSync(path, 'a');
    const { bytes, log } = await sent(new OpenFile(fd, path, open.entry));
    fs.closeSync(fd);
    open.close();
    assert.equal(bytes.length, signatureLength(size));
    assert.equal(parseSignature(bytes).blockLength, block);
    assert.ok(bytes.subarray(12).every((byte) => byte === 0));
    assert.equal(log.length, 1);
    assert.match(log[0] as string, /file: Bad file descriptor/);
  }
});
