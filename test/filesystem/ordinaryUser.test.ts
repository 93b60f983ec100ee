import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { buildSync } from 'esbuild';
import { isRoot, ownership, scratch } from './scratch.ts';

const nobody = 65534;

/** Objects of the user, objects of root next to them, and directories that the user cannot read or search. */
function plant(root: string): void {
  fs.chmodSync(root, 0o755);
  for (const name of ['own', 'backup']) {
    fs.mkdirSync(`${root}/${name}`);
    fs.chownSync(`${root}/${name}`, nobody, nobody);
  }
  for (const name of ['foreign', 'closed', 'tree/a', 'tree/unreadable', 'tree/unsearchable', 'tree/z']) {
    fs.mkdirSync(`${root}/${name}`, { recursive: true });
    fs.writeFileSync(`${root}/${name}/file`, 'x');
  }
  fs.writeFileSync(`${root}/foreign/secret`, 'x', { mode: 0o600 });
  fs.writeFileSync(`${root}/foreign/readable`, 'x', { mode: 0o644 });
  for (const name of ['closed', 'tree/unreadable']) fs.chmodSync(`${root}/${name}`, 0o700);
  fs.chmodSync(`${root}/tree/unsearchable`, 0o744);
}

test('an ordinary user gets as far as permissions go, and hears why not further', (t) => {
  if (!isRoot) return t.skip('skipped: becoming another user needs root');
  const root = scratch(t);
  plant(root);
  // The user need not be able to enter the directory of the sources.
  const script = `${root}/ordinaryUser.mjs`;
  const entryPoints = [new URL('ordinaryUser.ts', import.meta.url).pathname];
  buildSync({ entryPoints, outfile: script, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
  fs.chmodSync(script, 0o644);
  const run = spawnSync(process.execPath, [script, root], {
    cwd: root,
    uid: nobody,
    gid: nobody,
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: `${root}/own` },
  });
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(JSON.parse(run.stdout), {
    commit: 'done',
    giveAway: 'Operation not permitted',
    device: 'Operation not permitted',
    openForeign: 'Permission denied',
    stageInForeign: 'Permission denied',
    removeForeign: 'Permission denied',
    chmodForeign: 'Operation not permitted',
    chownForeign: 'Operation not permitted',
    inspectClosed: {
      state: 'error',
      problem: { code: 'EACCES', path: `${root}/closed/file`, message: 'Permission denied' },
    },
    backup: 'done',
    names: ['/tree/a', '/tree/a/file', '/tree/unreadable', '/tree/unsearchable', '/tree/z', '/tree/z/file'],
    unknown: [
      ['/tree/unreadable/', '/tree/unreadable0'],
      ['/tree/unsearchable/file', '/tree/unsearchable/file\0'],
      ['/tree/unsearchable/file/', '/tree/unsearchable/file0'],
    ],
    problems: ['/tree/unreadable: Permission denied', '/tree/unsearchable/file: Permission denied'],
  });
  assert.equal(ownership(`${root}/own/file`), `4755 ${nobody}:${nobody}`);
  // The copy of a file that cannot be given to its owner is for nobody else to read.
  assert.equal(ownership(`${root}/backup${root}/foreign/readable`), `600 ${nobody}:${nobody}`);
});
