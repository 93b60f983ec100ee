import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { checktxt } from '../../src/entry/checktxt.ts';
import { entryFromStats } from '../../src/entry/fromStats.ts';

const program = '/usr/sbin/csync2';

/** `checktxt\tname` of everything below a directory, as `csync2 -L` prints it after a recording run. */
function recordedByC(root: string, tree: string, extra: string): string[] {
  fs.mkdirSync(`${root}/etc`, { recursive: true });
  fs.mkdirSync(`${root}/db`, { recursive: true });
  fs.writeFileSync(`${root}/etc/key`, 'k'.repeat(64) + '\n', { mode: 0o600 });
  const group = `group g { host a.test b.test; key ${root}/etc/key; include ${tree}; }`;
  fs.writeFileSync(`${root}/etc/csync2.cfg`, `${group}\n${extra}\n`);
  const env = { ...process.env, CSYNC2_SYSTEM_DIR: `${root}/etc` };
  const run = (...args: string[]) =>
    execFileSync(program, ['-N', 'a.test', '-D', `${root}/db`, ...args], { env, encoding: 'latin1', stdio: 'pipe' });
  run('-cIr', '/');
  return run('-L').trimEnd().split('\n');
}

test('every kind of file is recorded as the C program records it', async (t) => {
  if (!fs.existsSync(program)) return t.skip('skipped: csync2 is not installed');
  if (process.geteuid?.() !== 0) return t.skip('skipped: making device nodes needs root');
  const root = fs.mkdtempSync('/tmp/entry-');
  t.after(() => fs.rmSync(root, { recursive: true }));
  const tree = `${root}/tree`;
  fs.mkdirSync(`${tree}/directory`, { recursive: true });
  fs.writeFileSync(`${tree}/regular`, 'hello');
  fs.chownSync(`${tree}/regular`, 5, 6);
  fs.chmodSync(`${tree}/regular`, 0o6755);
  fs.writeFileSync(Buffer.from(`${tree}/bad\xff\xfe "q"`, 'latin1'), '');
  fs.symlinkSync('a b%:/\xe9|x', `${tree}/link`);
  for (const args of ['chr c 1 3', 'blk b 259 70000']) execFileSync('mknod', args.split(' '), { cwd: tree });
  execFileSync('mkfifo', ['fifo'], { cwd: tree });
  for (const [name, time] of [
    ['before', '-1.5'],
    ['nines', '1000000000.999999'],
  ] as const) {
    fs.writeFileSync(`${tree}/${name}`, '');
    fs.utimesSync(`${tree}/${name}`, time, time);
  }
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(`${tree}/socket`, resolve));
  t.after(() => server.close());

  for (const ignored of [
    { uid: false, gid: false, mod: false },
    { uid: true, gid: true, mod: true },
  ]) {
    fs.rmSync(`${root}/db`, { recursive: true, force: true });
    const theirs = recordedByC(root, tree, ignored.uid ? 'ignore uid gid mod;' : '');
    const names = fs.readdirSync(tree, 'latin1').map((base) => path.posix.join(tree, base));
    const ours = [tree, ...names].sort().map((name) => {
      const at = Buffer.from(name, 'latin1');
      const stats = fs.lstatSync(at, { bigint: true });
      const target = stats.isSymbolicLink() ? fs.readlinkSync(at, 'latin1') : '';
      return `${checktxt(entryFromStats(stats, target), ignored)}\t${name}`;
    });
    assert.deepEqual(theirs.sort(byName), ours.sort(byName));
  }
});

function byName(a: string, b: string): number {
  const nameOf = (line: string) => line.slice(line.indexOf('\t') + 1);
  return nameOf(a) < nameOf(b) ? -1 : 1;
}
