import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cluster } from './cluster.ts';

test('--status: well, something to send, a peer out of reach, a configuration that cannot be read', async (t) => {
  const cluster = new Cluster(t, 2);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  cluster.configureOne();
  const well = one.run('--status');
  assert.equal(well.code, 0, well.stdout + well.stderr);
  assert.match(well.stdout, /^OK: nothing to do\n/);

  one.write('a', 'x');
  one.run('-cr', '/');
  const waiting = one.run('--status');
  assert.equal(waiting.code, 1);
  assert.match(
    waiting.stdout,
    new RegExp(`^WARNING: 2 files to be sent to ${two.name}, the oldest since 20[^ ]*Z\\.\n`),
  );

  one.run('-u');
  const broken = one.run('--status');
  assert.equal(broken.code, 2);
  assert.match(broken.stdout, /^CRITICAL: .*Connection refused\. 2 files to be sent/);

  await two.serve();
  one.run('-u');
  const [facts] = one.json('--status');
  assert.equal(facts?.['state'], 'ok');
  const [peer] = facts?.['peers'] as Record<string, unknown>[];
  assert.equal(peer?.['dirty'], 0);
  assert.ok(Date.parse(String(peer?.['reached'])) >= Date.parse(String(peer?.['failed'])));
  const database = facts?.['database'] as Record<string, unknown>;
  assert.equal(database['files'], 2);
  assert.ok(Number(database['bytes']) > 4096);

  writeFileSync(join(one.etc, 'csync2.cfg'), 'group {');
  const unknown = one.run('--status');
  assert.equal(unknown.code, 3);
  assert.match(unknown.stdout, /^UNKNOWN: .*csync2\.cfg:1:/);
  assert.equal(one.json('--status')[0]?.['state'], 'unknown');
});

test('--status: a missing certificate is critical where connections need one', (t) => {
  const cluster = new Cluster(t, 2);
  cluster.configureOne('', true);
  const missing = cluster.host(1).run('--status');
  assert.equal(missing.code, 2);
  assert.match(missing.stdout, /--make-cert/);
  cluster.host(1).run('--make-cert');
  assert.equal(cluster.host(1).run('--status').code, 0);
});

test('--explain says which pattern decides, what differs, and what -x would do', async (t) => {
  const cluster = new Cluster(t, 2);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  cluster.configureOne('exclude %t%/cache *~;');
  const explain = (...names: string[]) => one.run('--explain', ...names.map((name) => join(one.tree, name)));

  one.write('a', 'x');
  one.write('b~', 'x');
  mkdirSync(join(one.tree, 'cache'));
  symlinkSync('cache', join(one.tree, 'link'));
  assert.match(explain('a').stdout, new RegExp(`-x would +mark it as dirty and send it to ${two.name}\n`));
  assert.equal(explain('a').code, 0);
  assert.match(explain('b~').stdout, /group g +no: the last pattern that matches is: exclude \*~ \(.*csync2\.cfg:3\)/);
  assert.match(explain('cache/deep').stdout, /exclude %t%\/cache/);
  assert.equal(explain('a', 'b~').code, 2);

  await two.serve();
  one.run('-x');
  assert.match(explain('a').stdout, /nothing: it is in step/);
  assert.match(explain('a').stdout, new RegExp(`last contact +${two.name}, reached 20`));
  one.write('a', 'longer');
  const changed = one.json('--explain', join(one.tree, 'a')).find(({ file }) => file === '%t%/a');
  assert.deepEqual(changed?.['covered'], true);
  assert.ok((changed?.['differing'] as string[]).includes('size'));
  one.run('-c', join(one.tree, 'a'));
  one.run('-f', join(one.tree, 'a'));
  assert.match(explain('a').stdout, new RegExp(`dirty for +${two.name} \\(as ${one.name}\\), since 20[^ ]*Z, forced`));
  rmSync(join(one.tree, 'a'));
  assert.match(explain('a').stdout, /on the disk +not there\n[^]*delete it on/);
  assert.equal(one.json('-M').length, 1, 'nothing was changed');
});
