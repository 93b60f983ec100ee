import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { keepGeneration } from './keepGeneration.ts';
import { fsPath } from '../../src/bytes/bytes.ts';
import { disk, isRoot, ownership, read, scratch, smallFilesystem } from '../filesystem/scratch.ts';

/** Name → content of the regular files in a directory. */
function contents(directory: string): Record<string, string> {
  const names = fs.readdirSync(directory).filter((name) => fs.statSync(`${directory}/${name}`).isFile());
  return Object.fromEntries(names.map((name) => [name, read(`${directory}/${name}`)]));
}

function change(path: string, content: string, directory: string, generations: number): void {
  assert.equal(keepGeneration(disk(path), { directory, generations }), undefined);
  fs.writeFileSync(path, content);
}

test('the newest old version has the name of the file, older ones count up, the oldest goes', (t) => {
  const root = scratch(t);
  const file = `${root}/tree/file`;
  const place = `${root}/old${root}/tree`;
  fs.mkdirSync(`${root}/tree`);
  fs.writeFileSync(file, '1');
  change(file, '2', `${root}/old`, 3);
  assert.deepEqual(contents(place), { file: '1' });
  change(file, '3', `${root}/old`, 3);
  assert.deepEqual(contents(place), { file: '2', 'file.1': '1' });
  change(file, '4', `${root}/old`, 3);
  change(file, '5', `${root}/old`, 3);
  assert.deepEqual(contents(place), { file: '4', 'file.1': '3', 'file.2': '2' });
});

test('generations that the C program left, with gaps, only move as far as they have to', (t) => {
  const root = scratch(t);
  fs.writeFileSync(`${root}/file`, 'now');
  const place = `${root}/old${root}`;
  fs.mkdirSync(place, { recursive: true });
  fs.writeFileSync(`${place}/file`, 'last');
  fs.writeFileSync(`${place}/file.2`, 'first');
  change(`${root}/file`, 'next', `${root}/old`, 3);
  assert.deepEqual(contents(place), { file: 'now', 'file.1': 'last', 'file.2': 'first' });
});

test('there are no backups with less than two generations, nor of what is no regular file', (t) => {
  const root = scratch(t);
  fs.writeFileSync(`${root}/file`, 'x');
  fs.symlinkSync('file', `${root}/link`);
  fs.mkdirSync(`${root}/directory`);
  for (const generations of [0, 1]) change(`${root}/file`, 'y', `${root}/old`, generations);
  for (const name of ['link', 'directory', 'none', 'none/none']) {
    assert.equal(keepGeneration(disk(`${root}/${name}`), { directory: `${root}/old`, generations: 3 }), undefined);
  }
  assert.equal(fs.existsSync(`${root}/old`), false);
});

test('copies and directories have the owner and mode of their originals, the backup directory is private', (t) => {
  if (!isRoot) return t.skip('skipped: giving files away needs root');
  const root = scratch(t);
  fs.mkdirSync(`${root}/tree/sub`, { recursive: true });
  fs.writeFileSync(`${root}/tree/sub/file`, 'x');
  fs.chownSync(`${root}/tree/sub/file`, 7, 8);
  fs.chmodSync(`${root}/tree/sub/file`, 0o4640);
  fs.chownSync(`${root}/tree/sub`, 5, 6);
  fs.chmodSync(`${root}/tree/sub`, 0o2751);
  change(`${root}/tree/sub/file`, 'y', `${root}/old`, 2);
  assert.equal(ownership(`${root}/old`), '700 0:0');
  assert.equal(ownership(`${root}/old/tmp`), ownership('/tmp'));
  assert.equal(ownership(`${root}/old${root}/tree/sub`), '2751 5:6');
  assert.equal(ownership(`${root}/old${root}/tree/sub/file`), '4640 7:8');
});

test('names are bytes of any length; one too long to be numbered has one generation', (t) => {
  const root = scratch(t);
  const base = '\xff'.repeat(255);
  fs.writeFileSync(fsPath(`${root}/${base}`), '1');
  const settings = { directory: `${root}/old`, generations: 3 };
  assert.equal(keepGeneration(disk(`${root}/${base}`), settings), undefined);
  fs.writeFileSync(fsPath(`${root}/${base}`), '2');
  assert.equal(keepGeneration(disk(`${root}/${base}`), settings), undefined);
  assert.equal(read(`${root}/old${root}/${base}`), '2');
});

test('a directory in the place of a generation is left alone', (t) => {
  const root = scratch(t);
  const place = `${root}/old${root}`;
  fs.mkdirSync(`${place}/file.1`, { recursive: true });
  fs.writeFileSync(`${root}/file`, '1');
  change(`${root}/file`, '2', `${root}/old`, 3);
  change(`${root}/file`, '3', `${root}/old`, 3);
  assert.deepEqual(contents(place), { file: '2', 'file.2': '1' });
  assert.ok(fs.statSync(`${place}/file.1`).isDirectory());
});

test('when a file has become a directory, its backup makes room and is kept', (t) => {
  const root = scratch(t);
  fs.writeFileSync(`${root}/x`, 'file');
  change(`${root}/x`, '', `${root}/old`, 3);
  fs.rmSync(`${root}/x`);
  fs.mkdirSync(`${root}/x`);
  fs.writeFileSync(`${root}/x/y`, 'below');
  change(`${root}/x/y`, '', `${root}/old`, 3);
  assert.deepEqual(contents(`${root}/old${root}`), { 'x.1': 'file' });
  assert.deepEqual(contents(`${root}/old${root}/x`), { y: 'below' });
});

test('a full disk is a problem, and no generation is lost', (t) => {
  const small = smallFilesystem(t, '128k');
  if (small === undefined) return t.skip('skipped: mounting a small filesystem needs root');
  const root = scratch(t);
  fs.writeFileSync(`${root}/file`, 'one');
  change(`${root}/file`, 'two', small, 3);
  change(`${root}/file`, 'x'.repeat(1 << 20), small, 3);
  const problem = keepGeneration(disk(`${root}/file`), { directory: small, generations: 3 });
  assert.equal(problem?.message, 'No space left on device');
  assert.deepEqual(contents(small + root), { file: 'two', 'file.1': 'one' });
});

test('links on the way to the backup directory are followed, links in it are not', (t) => {
  const root = scratch(t);
  fs.mkdirSync(`${root}/real`);
  fs.mkdirSync(`${root}/outside`);
  fs.symlinkSync('real', `${root}/old`);
  fs.mkdirSync(`${root}/tree`);
  fs.writeFileSync(`${root}/tree/file`, '1');
  change(`${root}/tree/file`, '2', `${root}/old`, 3);
  assert.deepEqual(contents(`${root}/real${root}/tree`), { file: '1' });

  fs.rmSync(`${root}/real${root}/tree`, { recursive: true });
  fs.symlinkSync(`${root}/outside`, `${root}/real${root}/tree`);
  const problem = keepGeneration(disk(`${root}/tree/file`), { directory: `${root}/old`, generations: 3 });
  assert.equal(problem?.message, 'Not a directory');
  assert.deepEqual(fs.readdirSync(`${root}/outside`), []);
});

test('a backup directory that is a file is a problem', (t) => {
  const root = scratch(t);
  fs.writeFileSync(`${root}/old`, '');
  fs.writeFileSync(`${root}/file`, '');
  for (const directory of [`${root}/old`, `${root}/old/deeper`]) {
    const problem = keepGeneration(disk(`${root}/file`), { directory, generations: 2 });
    assert.equal(problem?.message, 'Not a directory');
  }
});
