import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { Tree } from '../../scenarios/harness/tree.ts';

export interface Described {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly size: number;
  /** Tells versions apart. */
  readonly version: number;
}

/** A file whose content says what its metadata must be, so that whoever reads it can tell whether it is whole. */
export function writeDescribed(tree: Tree, name: string, what: Described): void {
  const { mode, uid, gid, mtime, size, version } = what;
  const head = `${[mode & 0o7777, uid, gid, mtime, size, version].join(' ')}\n`;
  const filler = Buffer.alloc(size, String(version));
  filler.write(head, 0, 'latin1');
  // Some of it is the same in each version, so that deltas have something to copy.
  for (let at = 4096; at + 4096 < size; at += 8192) filler.fill(at >> 12, at, at + 4096);
  drop(tree, name);
  tree.write(name, filler, { mode, uid, gid, mtime });
}

/** Whatever is there, if anything is. */
export function drop(tree: Tree, name: string): void {
  rmSync(tree.path(name), { recursive: true, force: true });
}

/** Reads described files all the time, from a process of its own, and complains about every one that is not whole. */
export class Reader {
  readonly #child: ChildProcess;
  readonly #report: string;

  constructor(root: string, names: readonly string[], report: string) {
    this.#report = report;
    this.#child = spawn(process.execPath, ['-e', reading, root, report, ...names], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  /** Complaints, and how many files were read and found whole. */
  async stop(): Promise<{ readonly complaints: readonly string[]; readonly read: number }> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await gone;
    const lines = existsSync(this.#report) ? readFileSync(this.#report, 'latin1').split('\n').filter(Boolean) : [];
    const read = Number(/^read (\d+)$/.exec(lines.at(-1) ?? '')?.[1] ?? 0);
    return { complaints: lines.filter((line) => !line.startsWith('read ')), read };
  }
}

const reading = `
const fs = require('fs');
const [root, report, ...names] = process.argv.slice(1);
let read = 0;
const complain = (text) => fs.appendFileSync(report, text + '\\n');
const look = (name) => {
  let fd;
  try { fd = fs.openSync(root + '/' + name, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK); } catch { return; }
  try {
    const first = fs.fstatSync(fd);
    if (!first.isFile()) return;
    const text = fs.readFileSync(fd, 'latin1');
    const { mode, uid, gid, mtimeMs } = fs.fstatSync(fd);
    const want = text.slice(0, text.indexOf('\\n')).split(' ').map(Number);
    const have = [mode & 0o7777, uid, gid, Math.floor(mtimeMs / 1000), text.length];
    if (have.join() !== want.slice(0, 5).join()) complain(name + ': is ' + have + ', says ' + want);
    read++;
  } finally { fs.closeSync(fd); }
};
process.on('SIGTERM', () => { complain('read ' + read); process.exit(); });
(function again() { for (const name of names) look(name); setTimeout(again, 3); })();
`;
