import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cluster, program } from './cluster.ts';

/** What takes a tenth of a start each and has no use where nothing is sent or shown. */
const costly = ['stream', 'net', 'tls', 'tty', 'crypto', 'v8', 'fs/promises', 'child_process', 'worker_threads'];

test('a run that finds nothing to do loads nothing that it has no use for', (t) => {
  const cluster = new Cluster(t, 2);
  cluster.configureOne();
  const host = cluster.host(1);
  writeFileSync(join(host.tree, 'file'), 'x');
  assert.equal(host.run('-cIr', '/').code, 0);
  const loaded = join(cluster.root, 'loaded');
  const hook = join(cluster.root, 'hook.cjs');
  writeFileSync(
    hook,
    `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(loaded)}, process.moduleLoadList.join('\\n')));`,
  );
  for (const args of [['-x'], ['-cr', '/'], ['-H'], ['-M'], ['-L']]) {
    const { status, stderr } = spawnSync(process.execPath, ['--require', hook, program, ...host.ownOptions, ...args], {
      env: host.env,
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    assert.ok(status === 0 || status === 2, stderr);
    const modules = readFileSync(loaded, 'utf8').split('\n');
    assert.ok(modules.includes('NativeModule fs'));
    assert.deepEqual(
      costly.filter((name) => modules.includes(`NativeModule ${name}`)),
      [],
      args.join(' '),
    );
  }
});

test('a start takes the code that the build has compiled', (t) => {
  const { root } = new Cluster(t, 1);
  const [hook, answer] = [join(root, 'hook.cjs'), join(root, 'answer')];
  writeFileSync(
    hook,
    `const vm = require('node:vm');
    vm.Script = class extends vm.Script {
      constructor(...args) {
        super(...args);
        require('node:fs').writeFileSync(${JSON.stringify(answer)}, String(this.cachedDataRejected));
      }
    };`,
  );
  const { status, stderr } = spawnSync(process.execPath, ['--require', hook, program, '--version'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.equal(readFileSync(answer, 'utf8'), 'false');
});
