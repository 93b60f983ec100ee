import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { test } from 'node:test';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { inspect } from '../../src/filesystem/inspect.ts';
import { setMode, setOwner, setTime } from '../../src/filesystem/metadata.ts';
import { openFile, OpenFile } from '../../src/filesystem/openFile.ts';
import { remove, renameWithin } from '../../src/filesystem/remove.ts';
import { Problem } from '../../src/filesystem/problem.ts';
import { type Staged, stageDirectory, stageFile, stageLink } from '../../src/filesystem/staged.ts';
import { Walk, type WalkFilter } from '../../src/filesystem/walk.ts';
import { disk, openDescriptors, scratch } from './scratch.ts';
import { parseRows } from '../../src/store/rowLines.ts';

/** Until its input ends: `swap` is in turn the real directory, nothing, and a link to `outside`. */
const swapper = `
  const fs = require('node:fs');
  let running = true;
  process.stdin.on('end', () => (running = false)).resume();
  const turn = () => {
    for (let n = 0; n < 200; n++) {
      fs.renameSync('swap', 'aside');
      fs.symlinkSync('outside', 'swap');
      fs.unlinkSync('swap');
      fs.renameSync('aside', 'swap');
    }
    if (running) setImmediate(turn);
  };
  turn();
`;

/** Names, owners, modes, times (but of access) and contents of everything below a directory. */
function snapshot(directory: string): string[] {
  return fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => {
    const stats = fs.lstatSync(`${directory}/${name}`, { bigint: true });
    const content = stats.isFile() ? fs.readFileSync(`${directory}/${name}`, 'latin1') : '';
    return [name, stats.mode, stats.uid, stats.gid, stats.mtimeNs, stats.ctimeNs, stats.ino, content].join(' ');
  });
}

function finish(staged: Staged | Problem): boolean {
  if (staged instanceof Problem) return false;
  if (staged.kind === 'reg') staged.write(Buffer.from('inside'), 0);
  staged.setMode(0o777);
  staged.setTime(1);
  return staged.commit() === undefined;
}

const everything: WalkFilter = { covers: () => true, mayContain: () => true, enter: () => everything };

/** One round of everything that can be done to a path; how many of the effects succeeded. */
function assault(root: string): number {
  const target = disk(`${root}/swap/inner/file`);
  const done = [
    finish(stageFile(target)),
    setMode(target, 0o604) === undefined,
    setOwner(target, process.getuid?.(), process.getgid?.()) === undefined,
    setTime(target, 5) === undefined,
    renameWithin(target, 'other') === undefined,
    remove(disk(`${root}/swap/inner/other`)) === undefined,
    finish(stageLink(target, 'x')),
    remove(target) === undefined,
    finish(stageDirectory(target)),
    remove(target) === undefined,
  ];
  const file = openFile(disk(`${root}/swap/inner/kept`));
  if (file instanceof OpenFile) {
    const content = Buffer.alloc(6);
    file.read(content, 0);
    file.close();
    assert.equal(content.toString('latin1'), 'inside');
  }
  const kept = inspect(disk(`${root}/swap/inner/kept`));
  if (kept.state === 'present') assert.equal(kept.entry.size, 6);
  return done.filter((success) => success).length;
}

function walkInside(root: string): void {
  const walk = new Walk(disk(root), encode(root), everything, { ignored: { uid: true, gid: true, mod: true } });
  for (let batch = walk.next(2); batch !== undefined; batch = walk.next(2)) {
    const strays = parseRows(batch.lines).names.filter(
      (name) => name.startsWith(`${root}/swap/`) && name.endsWith('stray'),
    );
    assert.deepEqual(strays, []);
  }
}

test('whoever swaps a parent for a link meanwhile, nothing outside is read, changed, made or removed', async (t) => {
  const root = scratch(t);
  for (const [place, content] of [
    ['swap', 'inside'],
    ['outside', 'outside the tree'],
  ]) {
    fs.mkdirSync(`${root}/${place}/inner`, { recursive: true });
    for (const name of ['kept', 'file', 'other']) fs.writeFileSync(`${root}/${place}/inner/${name}`, content ?? '');
  }
  fs.writeFileSync(`${root}/outside/inner/stray`, 'outside the tree');
  const before = snapshot(`${root}/outside`);
  const descriptors = openDescriptors();

  const child = spawn(process.execPath, ['-e', swapper], { cwd: root, stdio: ['pipe', 'inherit', 'inherit'] });
  t.after(() => child.kill());
  const ended = once(child, 'exit');
  await once(child, 'spawn');
  const attached = openDescriptors() - descriptors;
  let effects = 0;
  let rounds = 0;
  const [enough, atMost] = [Date.now() + 2000, Date.now() + 60_000];
  // On a busy machine it takes a while until somebody swaps anything.
  const isMixed = (): boolean => effects > 0 && effects < rounds * 10;
  for (; Date.now() < enough || (!isMixed() && Date.now() < atMost); rounds++) {
    effects += assault(root);
    if (rounds % 16 === 0) walkInside(root);
  }
  assert.equal(openDescriptors(), descriptors + attached);
  child.stdin.end();
  assert.deepEqual(await ended, [0, null]);

  assert.deepEqual(snapshot(`${root}/outside`), before);
  assert.ok(isMixed(), `${effects} effects in ${rounds} rounds: some inside, some refused`);
  // Whatever was given up on the way left nothing behind.
  const left = fs.readdirSync(`${root}/swap/inner`).filter((name) => name.endsWith('.tmp'));
  assert.deepEqual(left, []);
});
