import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { inspect } from '../../src/filesystem/inspect.ts';
import { setMode, setOwner, setTime } from '../../src/filesystem/metadata.ts';
import { Problem } from '../../src/filesystem/problem.ts';
import { remove, renameWithin } from '../../src/filesystem/remove.ts';
import { splitDevice } from '../../src/filesystem/specialFile.ts';
import {
  discardAllStaged,
  type Staged,
  stageDirectory,
  stageFile,
  stageLink,
  stageSpecial,
} from '../../src/filesystem/staged.ts';
import { disk, isRoot, openDescriptors, ownership, read, scratch, smallFilesystem } from './scratch.ts';

function staged(result: Staged | Problem): Staged {
  assert.ok(!(result instanceof Problem));
  return result;
}

function file(path: string, content: string): Staged {
  const made = staged(stageFile(disk(path)));
  assert.equal(made.write(Buffer.from(content), 0), undefined);
  return made;
}

function kindAt(path: string): string {
  const found = inspect(disk(path));
  return found.state === 'present' ? found.entry.kind : found.state;
}

test('readers see the old file until commit, then the new one with its metadata', (t) => {
  const root = scratch(t);
  const path = `${root}/file`;
  fs.writeFileSync(path, 'old');
  const before = openDescriptors();
  const made = file(path, 'new content');
  assert.equal(made.setOwner(process.getuid?.(), process.getgid?.()), undefined);
  assert.equal(made.setMode(0o100640), undefined);
  made.setTime(-5);
  assert.equal(read(path), 'old');
  assert.equal(made.commit(), undefined);
  assert.equal(read(path), 'new content');
  const found = inspect(disk(path));
  assert.ok(found.state === 'present');
  assert.equal(found.entry.mode, 0o100640);
  assert.equal(found.entry.mtime, -5);
  assert.equal(made.discard(), undefined);
  assert.deepEqual(fs.readdirSync(root), ['file']);
  assert.equal(openDescriptors(), before);
});

test('discarding leaves no trace', (t) => {
  const root = scratch(t);
  fs.writeFileSync(`${root}/file`, 'old');
  const before = openDescriptors();
  file(`${root}/file`, 'new').discard();
  staged(stageDirectory(disk(`${root}/directory`))).discard();
  staged(stageLink(disk(`${root}/link`), 'x')).discard();
  staged(stageSpecial(disk(`${root}/fifo`), 'fifo', 0)).discard();
  assert.deepEqual(fs.readdirSync(root), ['file']);
  assert.equal(read(`${root}/file`), 'old');

  file(`${root}/file`, 'new');
  staged(stageDirectory(disk(`${root}/directory`)));
  discardAllStaged();
  assert.deepEqual(fs.readdirSync(root), ['file']);
  assert.equal(openDescriptors(), before);
});

test('while it is staged nobody else can read it', (t) => {
  const root = scratch(t);
  const made = file(`${root}/file`, 'secret');
  const [base] = fs.readdirSync(root);
  assert.equal(fs.statSync(`${root}/${base}`).mode & 0o777, 0o600);
  made.discard();
});

test('every kind goes in the place of every other kind', (t) => {
  const root = scratch(t);
  const path = `${root}/object`;
  const makers: Readonly<Record<string, () => Staged>> = {
    reg: () => file(path, 'content'),
    dir: () => staged(stageDirectory(disk(path))),
    lnk: () => staged(stageLink(disk(path), 'target')),
    fifo: () => staged(stageSpecial(disk(path), 'fifo', 0)),
  };
  for (const [first, makeFirst] of Object.entries(makers)) {
    for (const [second, makeSecond] of Object.entries(makers)) {
      assert.equal(makeFirst().commit(), undefined, `${first} for ${second}`);
      assert.equal(kindAt(path), first);
      assert.equal(makeSecond().commit(), undefined, `${second} over ${first}`);
      assert.equal(kindAt(path), second);
    }
  }
  assert.equal(remove(disk(path)), undefined);
  assert.deepEqual(fs.readdirSync(root), []);
});

test('a directory with something in it is never replaced or removed', (t) => {
  const root = scratch(t);
  fs.mkdirSync(`${root}/full`);
  fs.writeFileSync(`${root}/full/x`, 'x');
  assert.equal(file(`${root}/full`, 'new').commit()?.message, 'Directory not empty');
  assert.equal(staged(stageLink(disk(`${root}/full`), 'x')).commit()?.code, 'ENOTEMPTY');
  assert.equal(remove(disk(`${root}/full`))?.code, 'ENOTEMPTY');
  assert.deepEqual(fs.readdirSync(root), ['full']);
  assert.equal(read(`${root}/full/x`), 'x');
});

test('names of 255 bytes that are not UTF-8 are staged, set and removed like others', (t) => {
  const root = scratch(t);
  const path = `${root}/${'\xff'.repeat(255)}`;
  assert.equal(file(path, 'x').commit(), undefined);
  assert.equal(setMode(disk(path), 0o604), undefined);
  assert.equal(setTime(disk(path), 7), undefined);
  assert.equal(ownership(path).split(' ')[0], '604');
  assert.equal(renameWithin(disk(path), 'plain'), undefined);
  assert.equal(remove(disk(`${root}/plain`)), undefined);
  assert.equal(file(path + 'x', 'x').commit()?.message, 'File name too long');
  assert.deepEqual(fs.readdirSync(root), []);
});

test('the target of a link is bytes, and is not touched by what is set on the link', (t) => {
  const root = scratch(t);
  fs.writeFileSync(`${root}/target`, 'x', { mode: 0o640 });
  fs.utimesSync(`${root}/target`, 1, 1);
  const made = staged(stageLink(disk(`${root}/link`), 'target'));
  made.setTime(2);
  assert.equal(made.setMode(0o777), undefined);
  assert.equal(made.commit(), undefined);
  assert.equal(setMode(disk(`${root}/link`), 0o777), undefined);
  assert.equal(setTime(disk(`${root}/link`), 1234), undefined);
  assert.equal(fs.lstatSync(`${root}/link`).mtimeMs, 1234_000);
  assert.equal(fs.statSync(`${root}/target`).mtimeMs, 1000);
  assert.equal(fs.statSync(`${root}/target`).mode & 0o7777, 0o640);
  assert.equal(staged(stageLink(disk(`${root}/odd`), '\xff\xfe')).commit(), undefined);
  assert.equal(fs.readlinkSync(`${root}/odd`, 'latin1'), '\xff\xfe');
});

test('nothing is made, set or removed through a link or below what is missing', (t) => {
  const root = scratch(t);
  fs.mkdirSync(`${root}/real`);
  fs.writeFileSync(`${root}/real/file`, 'x', { mode: 0o600 });
  fs.symlinkSync('real', `${root}/link`);
  const through = disk(`${root}/link/file`);
  const results = [stageFile(through), stageDirectory(through), stageLink(through, 'x'), remove(through)];
  results.push(setMode(through, 0o777), setTime(through, 1), setOwner(through, 1, 1), renameWithin(through, 'y'));
  for (const result of results) assert.ok(result instanceof Problem && result.code === 'IMPURE');
  const missing = stageFile(disk(`${root}/none/file`));
  assert.ok(missing instanceof Problem && missing.code === 'PARENT_MISSING');
  assert.equal(missing.message, 'Parent dir missing.');
  assert.deepEqual(fs.readdirSync(`${root}/real`), ['file']);
  assert.equal(ownership(`${root}/real/file`).split(' ')[0], '600');
});

test('a directory that was moved away while something was staged in it is not committed to', (t) => {
  const root = scratch(t);
  fs.mkdirSync(`${root}/directory`);
  const made = file(`${root}/directory/file`, 'x');
  fs.renameSync(`${root}/directory`, `${root}/elsewhere`);
  assert.equal(made.commit()?.code, 'PARENT_MISSING');
  assert.deepEqual(fs.readdirSync(`${root}/elsewhere`), []);
});

test('removing says what is not there', (t) => {
  const root = scratch(t);
  assert.equal(remove(disk(`${root}/none`))?.message, 'No such file or directory');
  assert.equal(remove(disk(`${root}/none/none`))?.code, 'PARENT_MISSING');
});

test('owner and set-user-id both end up as asked for, on new and existing objects', (t) => {
  if (!isRoot) return t.skip('skipped: giving files away needs root');
  const root = scratch(t);
  const path = `${root}/file`;
  const made = file(path, 'x');
  assert.equal(made.setMode(0o6755), undefined);
  assert.equal(made.setOwner(5, 6), undefined);
  assert.equal(made.commit(), undefined);
  assert.equal(ownership(path), '6755 5:6');
  assert.equal(setOwner(disk(path), undefined, 7), undefined);
  assert.equal(ownership(path), '6755 5:7');
  const link = staged(stageLink(disk(`${root}/link`), 'file'));
  assert.equal(link.setOwner(8, 9), undefined);
  assert.equal(link.commit(), undefined);
  assert.equal(ownership(`${root}/link`), '777 8:9');
  assert.equal(ownership(path), '6755 5:7');
});

test('device nodes carry their number', (t) => {
  if (!isRoot) return t.skip('skipped: making device nodes needs root');
  const root = scratch(t);
  for (const [kind, device] of [
    ['chr', 259],
    ['blk', 286327664],
  ] as const) {
    const made = staged(stageSpecial(disk(`${root}/-${kind}`), kind, device));
    assert.equal(made.setMode(0o644), undefined);
    assert.equal(made.commit(), undefined);
    const found = inspect(disk(`${root}/-${kind}`));
    assert.ok(found.state === 'present');
    assert.deepEqual([found.entry.kind, found.entry.device], [kind, device]);
  }
  assert.deepEqual(splitDevice(286327664), { major: 259n, minor: 70000n });
});

test('a full filesystem is a problem with the file, which stays as it was', (t) => {
  const root = smallFilesystem(t, '64k');
  if (root === undefined) return t.skip('skipped: mounting a small filesystem needs root');
  fs.writeFileSync(`${root}/file`, 'old');
  const made = staged(stageFile(disk(`${root}/file`)));
  assert.equal(made.write(Buffer.alloc(1 << 20), 0)?.message, 'No space left on device');
  made.discard();
  assert.equal(read(`${root}/file`), 'old');
  assert.deepEqual(fs.readdirSync(root), ['file']);
});

test('times are set to the microsecond, also before the epoch, and never round up to the next second', (t) => {
  const root = scratch(t);
  const cases: readonly (readonly [seconds: number, nanoseconds: number, wanted: bigint])[] = [
    [1_700_000_000, 123_456_789, 1_700_000_000_123_456_000n],
    [1_700_000_000, 999_999_999, 1_700_000_000_999_999_000n],
    [1_700_000_000, 999, 1_700_000_000_000_000_000n],
    [4_000_000_000, 1_000, 4_000_000_000_000_001_000n],
    [-5, 250_000_000, -4_750_000_000n],
    [8_589_934_591, 999_999_999, 8_589_934_591_999_999_000n],
    [8_589_934_592, 59_632_243, 8_589_934_592_000_000_000n],
    [15_000_000_001, 59_632_243, 15_000_000_001_000_000_000n],
  ];
  for (const [seconds, nanoseconds, wanted] of cases) {
    const made = file(`${root}/file`, 'x');
    made.setTime(seconds, nanoseconds);
    assert.equal(made.commit(), undefined);
    const { mtimeNs } = fs.statSync(`${root}/file`, { bigint: true });
    assert.equal(mtimeNs / 1000n, wanted / 1000n, `${seconds}.${nanoseconds}`);
  }
});
