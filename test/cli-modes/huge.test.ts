import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readSync, statSync, truncateSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cluster, type Host, program, start } from './cluster.ts';

const size = 2 ** 32 + 4096;
const c = '/usr/sbin/csync2';
const skip = process.env['LONG_TESTS'] === undefined && 'skipped: set LONG_TESTS for files beyond 4 GiB';

/** Almost all holes, so that the sender needs no room. */
function put({ tree }: Host, text: string): void {
  const path = join(tree, 'huge');
  const fd = openSync(path, existsSync(path) ? 'r+' : 'w+');
  writeSync(fd, text, size - 100);
  closeSync(fd);
  truncateSync(path, size);
  utimesSync(path, 1_700_000_000 + text.length, 1_700_000_000 + text.length);
}

function textOf({ tree }: Host, length: number): string {
  const bytes = Buffer.alloc(length);
  const fd = openSync(join(tree, 'huge'), 'r');
  readSync(fd, bytes, 0, length, size - 100);
  closeSync(fd);
  return bytes.toString();
}

for (const [name, sender] of [
  ['ours', program],
  ['the C program', c],
] as const) {
  test(`a sparse file beyond 4 GiB, sent by ${name}`, { skip }, async (t) => {
    if (!existsSync(sender)) return t.skip('skipped: no C program');
    const cluster = new Cluster(t, 2);
    cluster.configureOne();
    const [one, two] = [cluster.host(1), cluster.host(2)];
    await two.serve();
    for (const text of ['new', 'changed at its end']) {
      put(one, text);
      const { code, stderr } = start(sender, [...one.ownOptions, '-x'], one.env, 300_000);
      assert.equal(code, 0, stderr);
      assert.equal(statSync(join(two.tree, 'huge')).size, size);
      assert.equal(textOf(two, text.length), text);
    }
  });
}
