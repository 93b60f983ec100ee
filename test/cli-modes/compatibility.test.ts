import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { usualDirectory } from '../../src/cli/setup.ts';
import { Cluster } from './cluster.ts';

test('the system directory is /etc, or /etc/csync2 where only that has a configuration', () => {
  const root = mkdtempSync(join(tmpdir(), 'csync2-etc-'));
  try {
    mkdirSync(join(root, 'etc/csync2'), { recursive: true });
    assert.equal(usualDirectory(root), `${root}/etc`);
    writeFileSync(join(root, 'etc/csync2/csync2.cfg'), '');
    assert.equal(usualDirectory(root), `${root}/etc/csync2`);
    writeFileSync(join(root, 'etc/csync2.cfg'), '');
    assert.equal(usualDirectory(root), `${root}/etc`);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('the way of crmsh: mark and push, after a conflict force and push again', async (t) => {
  const cluster = new Cluster(t, 2);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  cluster.configureOne();
  const file = join(one.tree, 'corosync.conf');
  one.write('corosync.conf', 'first');
  await two.serve();
  assert.equal(one.run('-rm', file).code, 0);
  assert.equal(one.run('-rxv', file).code, 0);
  assert.equal(readFileSync(join(two.tree, 'corosync.conf'), 'utf8'), 'first');

  two.write('corosync.conf', 'theirs');
  two.run('-cr', two.tree);
  one.write('corosync.conf', 'ours');
  assert.equal(one.run('-rm', file).code, 0);
  assert.equal(one.run('-rxv', file).code, 1);
  assert.equal(readFileSync(join(two.tree, 'corosync.conf'), 'utf8'), 'theirs');
  assert.equal(one.run('-rf', file).code, 0);
  assert.equal(one.run('-rxv', file).code, 0);
  assert.equal(readFileSync(join(two.tree, 'corosync.conf'), 'utf8'), 'ours');
});
