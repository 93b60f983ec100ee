import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Cluster } from './cluster.ts';

const passwords = /pass@word|pass%40word|wrong@word|wrong%40word/;

/** Where a password must not appear, and where the location of the database may stand. */
export function locationTests(url: (database: string) => string, rowsOf: (database: string) => Promise<number>): void {
  test('the password is in no output, whatever the level', async (t) => {
    const cluster = new Cluster(2, (host) => url(`secret_${host}`));
    t.after(() => cluster.close());
    const [first, second] = cluster.pair;
    await second.serve('-vvv');
    writeFileSync(join(first.tree, 'file'), 'content');
    const run = await first.run('-xvvvvt');
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stderr, /secret_1/);
    assert.match(second.log, /secret_2/);
    const compared = await first.run('-TTvvvv');
    const wrong = await first.run('-xvvvv', '-D', url('secret_1').replace('pass%40', 'wrong%40'));
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /Can't open database .*secret_1/);
    for (const { stdout, stderr } of [run, compared, wrong]) assert.doesNotMatch(stdout + stderr, passwords);
    assert.doesNotMatch(second.log, passwords);
  });

  test('--status tells the size of the database', async (t) => {
    const cluster = new Cluster(2, (host) => url(`status_${host}`));
    t.after(() => cluster.close());
    const [host] = cluster.pair;
    assert.match((await host.run('--status')).stdout, /^database \S+status_1: [1-9]\d* KiB, 0 files/m);
    const { database } = JSON.parse((await host.run('--status', '--json')).stdout) as { database: { bytes: unknown } };
    assert.ok(Number(database.bytes) >= 4096, String(database.bytes));
  });

  test('a password on the command line is not what ps shows', async (t) => {
    const cluster = new Cluster(2, () => '');
    t.after(() => cluster.close());
    const [first, second] = cluster.pair;
    for (const [host, args] of [
      [first, ['-D', url('shown_1')]],
      [second, [`-D${url('shown_2')}`]],
    ] as const) {
      const { pid } = await host.serve(...args);
      const shown = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      assert.doesNotMatch(shown, passwords);
      assert.match(shown, /^csync2 .*-ii.*:\/\/\w+:\*\*\*@127\.0\.0\.1:\d+\/shown_\d/);
    }
    writeFileSync(join(first.tree, 'file'), 'content');
    assert.equal((await first.run('-x', '-D', url('shown_1'))).code, 0);
    assert.equal(await rowsOf('shown_2'), 2);
  });

  test('the password is not in what is said about a configuration that cannot be read', async (t) => {
    const cluster = new Cluster(2, () => '');
    t.after(() => cluster.close());
    const [host] = cluster.pair;
    const config = readFileSync(join(host.etc, 'csync2.cfg'), 'latin1');
    for (const statement of [
      `database ${url('bare')};`,
      `database "${url('quoted')}"`,
      `database "${url('more')}" x;`,
    ]) {
      host.configure(`${config}${statement}\nignore uid;\n`);
      const { code, stderr } = await host.run('-L');
      assert.equal(code, 1);
      assert.match(stderr, /csync2\.cfg:\d+:\d+: expected/);
      assert.doesNotMatch(stderr, /pass/);
    }
  });

  test("the configuration's database is that of commands and of the server's sessions", async (t) => {
    const cluster = new Cluster(2, () => '');
    t.after(() => cluster.close());
    const [first, second] = cluster.pair;
    const config = readFileSync(join(first.etc, 'csync2.cfg'), 'latin1');
    const byName = (host: { name: string }, more = ''): string => `csync2_${host.name.replaceAll('.', '_')}${more}`;
    for (const host of [first, second]) {
      mkdirSync(join(host.root, 'db'));
      host.configure(`${config}database "${url('')}";\n`);
      host.configure(`${config}database "${url(`other_${host.name.replaceAll('.', '_')}`)}";\n`, 'csync2_other.cfg');
      host.configure(`${config}database ${join(host.root, 'db')};\n`, 'csync2_dir.cfg');
      host.configure(`${config}database sqlite3://${join(host.root, 'file.db')};\n`, 'csync2_file.cfg');
      await host.serve();
    }
    writeFileSync(join(first.tree, 'file'), 'content');
    for (const name of ['', 'other', 'dir', 'file']) {
      const run = await first.run('-x', ...(name === '' ? [] : ['-C', name]));
      assert.deepEqual(run, { code: 0, stdout: '', stderr: '' }, name);
    }
    for (const host of [first, second]) {
      assert.equal(await rowsOf(byName(host)), 2);
      assert.equal(await rowsOf(`other_${host.name.replaceAll('.', '_')}`), 2);
      assert.deepEqual(
        readdirSync(join(host.root, 'db')).filter((file) => file.endsWith('.db3')),
        [`${host.name}_dir.db3`],
      );
      assert.ok(existsSync(join(host.root, 'file.db')));
    }
  });
}
