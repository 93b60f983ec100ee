import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeLeftover } from '../../src/filesystem/remove.ts';
import { isLeftover, isTempName, tempName } from '../../src/filesystem/tempName.ts';
import { disk, scratch } from './scratch.ts';

const now = 1_000_000;

/** The name of ours with some hex digits changed: 8 host, 16 boot, 24 pid namespace, then pid and start time. */
function altered(from: number, replacement: string): string {
  const name = tempName();
  const start = '.csync2.'.length + from;
  return name.slice(0, start) + replacement + name.slice(start + replacement.length);
}

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');

/** The temporary name of a process that ended. */
function nameOfTheDead(): string {
  const script = `import('./src/filesystem/tempName.ts').then((room) => process.stdout.write(room.tempName()))`;
  const ended = spawnSync(process.execPath, ['--import', 'tsx', '-e', script], { encoding: 'latin1' });
  assert.ok(isTempName(ended.stdout), ended.stderr);
  return ended.stdout;
}

test('temporary names are short, never repeated, and recognised', () => {
  const names = Array.from({ length: 1000 }, tempName);
  assert.equal(new Set(names).size, 1000);
  for (const name of names) assert.ok(name.length < 80 && isTempName(name));
});

test('no other names are taken for temporary ones', () => {
  for (const name of ['.csync2.tmp', '.csync2.x.tmp', 'csync2', '.name.a1B2c3', tempName() + 'x', 'x' + tempName()]) {
    assert.equal(isTempName(name), false, name);
    assert.equal(isLeftover(name, 0, now), false, name);
  }
});

test('files of a running process are in use, however old', () => {
  assert.equal(isLeftover(tempName(), 0, now), false);
});

test('files of a process that ended, of a reused pid, and of another boot are left behind', () => {
  assert.equal(isLeftover(nameOfTheDead(), now, now), true);
  assert.equal(isLeftover(altered(34, '0badbadbad00'), now, now), true);
  assert.equal(isLeftover(altered(8, '0badbad0'), now, now), true);
});

test('files of a process that ended and that nobody asks how are left behind, too', async (t) => {
  // The shell becomes a program that does not wait for its child.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => parent.kill());
  const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
  const child = Number(String(pid));
  const stat = (): string[] => {
    const text = fs.readFileSync(`/proc/${child}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  };
  const name = altered(25, `${hex(child, 8)}.${hex(Number(stat()[19]), 12)}`);
  assert.ok(isTempName(name));
  assert.equal(isLeftover(name, now, now), false);
  process.kill(child, 'SIGKILL');
  for (let patience = 500; stat()[0] !== 'Z' && patience > 0; patience--) await sleep(10);
  assert.equal(stat()[0], 'Z');
  assert.equal(isLeftover(name, now, now), true);
});

test('files from elsewhere are left behind after a day', () => {
  for (const name of [altered(0, '0badbad0'), altered(16, '0badbad0')]) {
    assert.equal(isLeftover(name, now - 3600, now), false);
    assert.equal(isLeftover(name, now - 90_000, now), true);
  }
});

test('only what is left behind is removed', (t) => {
  const root = scratch(t);
  const dead = altered(34, '0badbadbad00');
  fs.writeFileSync(`${root}/${dead}`, '');
  fs.writeFileSync(`${root}/.name.a1B2c3`, '');
  const own = tempName();
  fs.writeFileSync(`${root}/${own}`, '');
  assert.deepEqual(
    [dead, own, '.name.a1B2c3', 'none'].map((name) => removeLeftover(disk(`${root}/${name}`))),
    [true, false, false, false],
  );
  assert.deepEqual(fs.readdirSync(root).sort(), [own, '.name.a1B2c3'].sort());
  fs.mkdirSync(`${root}/${dead}`);
  assert.equal(removeLeftover(disk(`${root}/${dead}`)), true);
});
