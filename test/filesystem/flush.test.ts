import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Filesystems, flushFilesystem } from '../../src/filesystem/flush.ts';
import { disk, openDescriptors, scratch, smallFilesystem } from './scratch.ts';

test('the filesystem of a path is flushed, whether or not the object itself is there', async (t) => {
  const root = scratch(t);
  const before = openDescriptors();
  assert.equal(await flushFilesystem(disk(`${root}/none`)), undefined);
  assert.equal((await flushFilesystem(disk(`${root}/none/none`)))?.code, 'PARENT_MISSING');
  assert.equal(openDescriptors(), before);
});

/** Until the end of the test sync(1) is a program that only writes down where it was called. */
function noteFlushes(t: TestContext): () => string[] {
  const programs = scratch(t);
  const notes = join(programs, 'notes');
  fs.writeFileSync(join(programs, 'sync'), `#!/bin/sh\npwd -P >>'${notes}'\n`, { mode: 0o755 });
  const path = process.env['PATH'] ?? '';
  process.env['PATH'] = `${programs}:${path}`;
  t.after(() => (process.env['PATH'] = path));
  return () => (fs.existsSync(notes) ? fs.readFileSync(notes, 'latin1').trim().split('\n') : []);
}

test('a filesystem is flushed although the directory that it is known by was removed, or gave way to a link', async (t) => {
  const root = scratch(t);
  const flushes = noteFlushes(t);
  for (const replace of [undefined, (path: string) => fs.symlinkSync('/', path)]) {
    fs.mkdirSync(join(root, 'a/b'), { recursive: true });
    const filesystems = new Filesystems();
    filesystems.add(join(root, 'a/b'));
    filesystems.add(root);
    fs.rmSync(join(root, 'a'), { recursive: true });
    replace?.(join(root, 'a'));
    assert.equal(await filesystems.flush(), undefined);
  }
  assert.deepEqual(flushes(), [root, root]);
});

test('so is the one that a directory will be on once it is made', async (t) => {
  const mounted = smallFilesystem(t, '1m');
  if (mounted === undefined) return t.skip('skipped: may not mount');
  const flushes = noteFlushes(t);
  const filesystems = new Filesystems();
  filesystems.add(join(mounted, 'a/b'));
  fs.mkdirSync(join(mounted, 'a/b'), { recursive: true });
  assert.equal(await filesystems.flush(), undefined);
  assert.deepEqual(flushes(), [join(mounted, 'a/b')]);
});
