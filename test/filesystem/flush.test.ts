import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flushFilesystem } from '../../src/filesystem/flush.ts';
import { disk, openDescriptors, scratch } from './scratch.ts';

test('the filesystem of a path is flushed, whether or not the object itself is there', async (t) => {
  const root = scratch(t);
  const before = openDescriptors();
  assert.equal(await flushFilesystem(disk(`${root}/none`)), undefined);
  assert.equal((await flushFilesystem(disk(`${root}/none/none`)))?.code, 'PARENT_MISSING');
  assert.equal(openDescriptors(), before);
});
