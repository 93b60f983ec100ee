import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileName } from '../../src/bytes/bytes.ts';
import { NewDirectories } from '../../src/sync/newDirectories.ts';

const name = (text: string): FileName => text as FileName;

test('what is below a directory that was just made cannot be on the peer yet', () => {
  const made = new NewDirectories();
  made.add(name('%p%/a'));
  assert.equal(made.holds(name('%p%/a')), false);
  assert.equal(made.holds(name('%p%/a.txt')), false, 'sorts between the directory and what is in it');
  assert.equal(made.holds(name('%p%/a/x')), true);
  assert.equal(made.holds(name('%p%/a/b/c')), true);
  assert.equal(made.holds(name('%p%/a0')), false);
  assert.equal(made.holds(name('%p%/b')), false);
});
