import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from './random.ts';

/** A step of an edit, as it is done and as a shell would do it. Fails when it cannot be done. */
interface Step {
  readonly shell: string;
  readonly act: (root: string) => void;
}

/** Each step is taken if the one before it was. */
export type Edit = readonly Step[];

export function shellOf(edit: Edit): string {
  return edit.map(({ shell }) => shell).join(' && ');
}

/** Does it in a tree, as far as it makes sense there. */
export function carryOut(edit: Edit, root: string): void {
  try {
    for (const { act } of edit) act(root);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

class Unmet extends Error {
  readonly code = 'UNMET';
}

function when(shell: string, holds: (root: string) => boolean): Step {
  return {
    shell,
    act: (root) => {
      if (!holds(root)) throw new Unmet(shell);
    },
  };
}

const stat = (path: string): fs.Stats | undefined => fs.lstatSync(path, { throwIfNoEntry: false });

const isFile = (file: string): Step =>
  when(`[ -f ${file} ] && [ ! -L ${file} ]`, (root) => stat(join(root, file))?.isFile() === true);
const isNoDirectory = (file: string): Step =>
  when(`[ ! -d ${file} ]`, (root) => stat(join(root, file))?.isDirectory() !== true);
const hasParent = (file: string): Step =>
  when(`[ -d ${dirname(file)} ]`, (root) => stat(dirname(join(root, file)))?.isDirectory() === true);

const write = (file: string, text: string): Step => ({
  shell: `echo ${text} >${file}`,
  act: (root) => fs.writeFileSync(join(root, file), `${text}\n`),
});
const append = (file: string, text: string): Step => ({
  shell: `echo ${text} >>${file}`,
  act: (root) => fs.appendFileSync(join(root, file), `${text}\n`),
});
const grow = (file: string, bytes: number): Step => ({
  shell: `head -c ${bytes} /dev/zero | tr '\\0' x >>${file}`,
  act: (root) => fs.appendFileSync(join(root, file), 'x'.repeat(bytes)),
});
const remove = (file: string): Step => ({
  shell: `rm -rf ${file}`,
  act: (root) => fs.rmSync(join(root, file), { recursive: true, force: true }),
});
const rename = (from: string, to: string): Step => ({
  shell: `mv -T ${from} ${to}`,
  act: (root) => fs.renameSync(join(root, from), join(root, to)),
});
const makeDirectory = (directory: string): Step => ({
  shell: `mkdir -p ${directory}`,
  act: (root) => fs.mkdirSync(join(root, directory), { recursive: true, mode: 0o755 }),
});
const changeMode = (file: string, mode: string): Step => ({
  shell: `chmod ${mode} ${file}`,
  act: (root) => fs.chmodSync(join(root, file), parseInt(mode, 8)),
});
const changeOwner = (file: string, uid: number, gid: number): Step => ({
  shell: `chown ${uid}:${gid} ${file}`,
  act: (root) => fs.chownSync(join(root, file), uid, gid),
});
const link = (file: string, target: string): Step => ({
  shell: `ln -s ${target} ${file}`,
  act: (root) => fs.symlinkSync(target, join(root, file)),
});
const hardLink = (from: string, to: string): Step => ({
  shell: `ln -T ${from} ${to}`,
  act: (root) => fs.linkSync(join(root, from), join(root, to)),
});
const makeFifo = (file: string): Step => ({
  shell: `mkfifo ${file}`,
  act: (root) => void execFileSync('mkfifo', [join(root, file)], { stdio: 'ignore' }),
});
const touch = (file: string, time: number): Step => ({
  shell: `touch -h -d @${time} ${file}`,
  act: (root) => fs.lutimesSync(join(root, file), time, time),
});

const files = ['a', 'b', 'd/x', 'd/y', 'd/e/z'];
const directories = ['d', 'd/e', 'f'];

/** One random edit. `stamp` is never used twice. `tame`: nothing that the C program gets wrong. */
export function randomEdit(rng: Random, stamp: number, tame: boolean): Edit {
  const file = rng.pick(files);
  const other = rng.pick(files);
  const directory = rng.pick(directories);
  const text = String(stamp);
  const touched = touch(file, 1_700_000_000 + stamp);
  const writing = [isNoDirectory(file), makeDirectory(dirname(file)), remove(file), write(file, text), touched];
  const kinds: Edit[] = [
    writing,
    writing,
    [isFile(file), append(file, text), touched],
    [isFile(file), grow(file, 20_000 + stamp), touched],
    [isFile(file), grow(file, 100_000 + stamp), touched],
    [remove(file)],
    [remove(directory)],
    [isFile(file), hasParent(other), isNoDirectory(other), rename(file, other)],
    [isFile(file), changeMode(file, rng.pick(['600', '644', '755', '4711'])), touched],
    [isFile(file), changeOwner(file, rng.below(4), rng.below(4)), touched],
    [makeDirectory(directory), changeMode(directory, rng.pick(['700', '755', '711']))],
  ];
  // Link targets under a prefix, and types that change.
  const bolder: Edit[] = [
    [hasParent(file), remove(file), link(file, `target-${stamp}`)],
    [hasParent(directory), remove(directory), write(directory, text), touch(directory, 1_700_000_000 + stamp)],
    [
      hasParent(file),
      remove(file),
      makeDirectory(file),
      write(`${file}/inner`, text),
      touch(`${file}/inner`, 1_700_000_000 + stamp),
    ],
    [hasParent(file), remove(file), makeFifo(file), touched],
    [isFile(file), hasParent(other), isNoDirectory(other), remove(other), hardLink(file, other)],
    [hasParent(directory), rename(directory, rng.pick(directories))],
  ];
  return rng.pick(tame ? kinds : [...kinds, ...bolder]);
}
