import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { fsPath } from '../../src/bytes/bytes.ts';
import { freeSpace } from '../../src/filesystem/freeSpace.ts';
import { inspect } from '../../src/filesystem/inspect.ts';
import { openFile, OpenFile } from '../../src/filesystem/openFile.ts';
import { releaseDirectory } from '../../src/filesystem/parent.ts';
import { messageFor, Problem, problemFrom } from '../../src/filesystem/problem.ts';
import { disk, openDescriptors, scratch } from './scratch.ts';

function code(result: unknown): string {
  return result instanceof Problem ? result.code : typeof result;
}

test('a path is present, absent, without parent, or not pure', (t) => {
  const root = scratch(t);
  fs.mkdirSync(`${root}/real/inner`, { recursive: true });
  fs.writeFileSync(`${root}/real/file`, 'x');
  fs.symlinkSync('real', `${root}/link`);
  fs.symlinkSync('nowhere', `${root}/dangling`);
  const before = openDescriptors();
  const cases: readonly (readonly [string, string])[] = [
    ['real/file', 'present'],
    ['link', 'present'],
    ['dangling', 'present'],
    ['real/none', 'absent'],
    ['none/file', 'parent-missing'],
    ['none/deeper/file', 'parent-missing'],
    ['real/file/below', 'parent-missing'],
    ['link/file', 'impure'],
    ['link/none', 'impure'],
    ['link/inner/file', 'impure'],
    ['link/none/file', 'impure'],
    ['dangling/file', 'impure'],
    ['x'.repeat(256), 'error'],
  ];
  for (const [name, state] of cases) assert.equal(inspect(disk(`${root}/${name}`)).state, state, name);
  assert.equal(inspect(disk('/')).state, 'present');
  assert.equal(inspect(disk('/tmp')).state, 'present');
  assert.equal(openDescriptors(), before);
});

test('paths that are not in normal form are never taken for real ones', (t) => {
  const root = scratch(t);
  fs.mkdirSync(`${root}/a/b`, { recursive: true });
  for (const path of ['a/../a/b', 'a//b', './a/b', 'a/./b']) {
    assert.notEqual(inspect(disk(`${root}/${path}`)).state, 'present', path);
  }
});

test('a file that gives way to a link once it was looked at is not opened', (t) => {
  const root = scratch(t);
  fs.writeFileSync(`${root}/outside`, 'secret');
  fs.writeFileSync(`${root}/file`, 'x');
  const look = fs.lstatSync;
  t.mock.method(fs, 'lstatSync', (...args: Parameters<typeof look>) => {
    const found = look(...args);
    fs.unlinkSync(`${root}/file`);
    fs.symlinkSync('outside', `${root}/file`);
    return found;
  });
  assert.equal(code(openFile(disk(`${root}/file`))), 'ELOOP');
});

test('a directory that is moved is noticed, also by those who look at many objects in one go', (t) => {
  const root = scratch(t);
  fs.mkdirSync(`${root}/a`);
  fs.writeFileSync(`${root}/a/file`, 'x');
  assert.equal(inspect(disk(`${root}/a/file`)).state, 'present');
  fs.renameSync(`${root}/a`, `${root}/b`);
  const states = Array.from({ length: 200 }, () => inspect(disk(`${root}/a/file`)).state);
  const noticed = states.indexOf('parent-missing');
  assert.ok(noticed >= 0 && noticed < 100, states.join());
  assert.deepEqual(new Set(states.slice(noticed)), new Set(['parent-missing']));
});

test('a link shows its target as bytes, and its own metadata', (t) => {
  const root = scratch(t);
  fs.symlinkSync(Buffer.from([0xff, 0x20, 0x41]), `${root}/link`);
  const found = inspect(disk(`${root}/link`));
  assert.ok(found.state === 'present');
  assert.equal(found.entry.kind, 'lnk');
  assert.equal(found.entry.target, '\xff A');
});

test('names are bytes, also those of directories and those that look odd', (t) => {
  const root = scratch(t);
  for (const name of ['\xff\xfe', 'a\nb', '-x', 'gone (deleted)', 'é'.normalize('NFD'), '%41', '...']) {
    const directory = `${root}/${Buffer.from(name, 'utf8').toString('latin1')}`;
    fs.mkdirSync(fsPath(directory));
    fs.writeFileSync(fsPath(`${directory}/f\xfe`), 'x');
    assert.equal(inspect(disk(`${directory}/f\xfe`)).state, 'present', name);
    assert.equal(inspect(disk(`${directory}/f\xff`)).state, 'absent', name);
  }
});

test('paths may be as long as the kernel allows', (t) => {
  const root = scratch(t);
  let directory = root;
  while (directory.length < 3700) directory += '/' + 'n'.repeat(200);
  for (const length of [4000, 4090, 4095]) {
    const path = `${directory}/${'d'.repeat(length - directory.length - 3)}/f`;
    assert.equal(path.length, length);
    fs.mkdirSync(path.slice(0, -2), { recursive: true });
    fs.writeFileSync(path, 'x');
    assert.equal(inspect(disk(path)).state, 'present', String(length));
    fs.rmSync(path.slice(0, -2), { recursive: true });
    releaseDirectory();
    assert.equal(inspect(disk(path)).state, 'parent-missing', String(length));
  }
  const tooLong = inspect(disk(`${directory}/${'d/'.repeat(300)}f`));
  assert.ok(tooLong.state === 'error');
  assert.equal(tooLong.problem.message, 'File name too long');
});

test('a regular file is read, with the entry that it had when it was opened', (t) => {
  const root = scratch(t);
  fs.writeFileSync(`${root}/file`, 'hello world');
  const file = openFile(disk(`${root}/file`));
  assert.ok(file instanceof OpenFile);
  assert.equal(file.entry.size, 11);
  const buffer = Buffer.alloc(20);
  assert.equal(file.read(buffer, 6), 5);
  assert.equal(buffer.toString('latin1', 0, 5), 'world');
  assert.equal(file.unchanged(), true);
  fs.appendFileSync(`${root}/file`, '!');
  assert.equal(file.unchanged(), false);
  const unknown = new OpenFile(1 << 20, file.path, file.entry);
  assert.equal(unknown.unchanged(), false, 'one that cannot be asked');
  file.close();
});

test('what is no regular file is not opened, and nothing waits', (t) => {
  const root = scratch(t);
  fs.mkdirSync(`${root}/directory`);
  fs.writeFileSync(`${root}/file`, 'x');
  fs.symlinkSync('file', `${root}/link`);
  execFileSync('mkfifo', ['fifo'], { cwd: root });
  const before = openDescriptors();
  assert.equal(code(openFile(disk(`${root}/directory`))), 'EISDIR');
  assert.equal(code(openFile(disk(`${root}/link`))), 'NOT_REGULAR');
  assert.equal(code(openFile(disk(`${root}/fifo`))), 'NOT_REGULAR');
  assert.equal(code(openFile(disk('/dev/null'))), 'NOT_REGULAR');
  assert.equal(code(openFile(disk(`${root}/none`))), 'ENOENT');
  assert.equal(code(openFile(disk(`${root}/link/x`))), 'IMPURE');
  assert.equal(code(openFile(disk(`${root}/none/x`))), 'PARENT_MISSING');
  assert.equal(openDescriptors(), before);
});

test('messages are those of the C library', () => {
  assert.equal(messageFor('EACCES'), 'Permission denied');
  assert.equal(messageFor('ENOSPC'), 'No space left on device');
  assert.equal(messageFor('ENOTEMPTY'), 'Directory not empty');
  assert.equal(new Problem('EROFS', '/x').toString(), '/x: Read-only file system');
  assert.throws(() => problemFrom(new TypeError('a defect'), '/x'), TypeError);
});

test('free space is that of the filesystem which the path is in', (t) => {
  const space = freeSpace(disk(`${scratch(t)}/none`));
  assert.ok(typeof space === 'number' && space > 0);
  assert.equal(code(freeSpace(disk('/no/such/place'))), 'PARENT_MISSING');
});
