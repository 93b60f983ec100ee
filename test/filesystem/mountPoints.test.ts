import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DiskPath, fromText } from '../../src/bytes/bytes.ts';
import { identityOf, isOnOtherDevice, mountPoints } from '../../src/filesystem/mountPoints.ts';

test('mount points of any name, on the same device and on others', (t) => {
  if (process.getuid?.() !== 0) return t.skip('skipped: needs root');
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'csync2-mounts-')));
  const directory = join(root, 'a b\tc\\d\n#é');
  const path = fromText(directory) as DiskPath;
  fs.mkdirSync(directory);
  try {
    assert.ok(mountPoints().has('/' as DiskPath));
    assert.ok(!mountPoints().has(path));
    assert.equal(isOnOtherDevice(path), false);
    const plain = identityOf(path);
    execFileSync('mount', ['-t', 'tmpfs', 'disk', directory]);
    assert.ok(mountPoints().has(path));
    assert.equal(isOnOtherDevice(path), true);
    assert.notEqual(identityOf(path), plain);
    execFileSync('umount', [directory]);
    assert.equal(identityOf(path), plain);
    execFileSync('mount', ['--bind', root, directory]);
    assert.ok(mountPoints().has(path));
    assert.equal(isOnOtherDevice(path), false);
    execFileSync('umount', [directory]);
  } finally {
    if (mountPoints().has(path)) execFileSync('umount', [directory]);
    fs.rmSync(root, { recursive: true, force: true });
  }
});

test('what is no directory has no identity', () => {
  for (const path of ['/etc/passwd', '/etc/passwd/x', '/none']) {
    assert.equal(identityOf(path as DiskPath), undefined);
    assert.equal(isOnOtherDevice(path as DiskPath), false);
  }
  assert.equal(isOnOtherDevice('/' as DiskPath), false);
});
