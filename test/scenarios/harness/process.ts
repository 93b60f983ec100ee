import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAscii } from '../../../src/bytes/bytes.ts';

/** What a finished command left behind; outputs are byte strings, the code is 128 + N after signal N. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** No single command of a scenario takes this long, in milliseconds, unless it hangs. */
const patience = 120_000;

/** Where this is bound onto that in the command's own mount namespace. */
export interface Mount {
  readonly from: string;
  readonly to: string;
}

export interface Start {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly mounts: readonly Mount[];
  /** Shell redirections, for descriptors beyond the first three. */
  readonly redirect?: string;
  /** The working directory; also for a script, when one is needed to pass what Node cannot. */
  readonly scratch: string;
}

let scripts = 0;

/** Node passes arguments as UTF-8 only and has no mount namespaces: the shell takes such commands from a script. */
export function start(what: Start, options: SpawnOptions): ChildProcess {
  const env = { ...what.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, LC_ALL: 'C' };
  if (what.mounts.length === 0 && what.redirect === undefined && what.args.every(isAscii)) {
    return spawn(what.program, what.args, { ...options, env, cwd: what.scratch });
  }
  const script = join(what.scratch, `run-${scripts++}.sh`);
  const mounts = what.mounts.map(({ from, to }) => `mount --bind ${quote(from)} ${quote(to)} || exit 99`);
  const command = `exec ${[what.program, ...what.args].map(quote).join(' ')} ${what.redirect ?? ''}`;
  writeFileSync(script, [...mounts, command, ''].join('\n'), 'latin1');
  const [shell, ...args] = [...(what.mounts.length === 0 ? [] : ['unshare', '-m', '--']), '/bin/sh', script];
  return spawn(shell, args, { ...options, env });
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

export async function run(what: Start): Promise<Result> {
  const child = start(what, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, patience);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
  clearTimeout(timer);
  if (hung) throw new Error(`${what.program} ${what.args.join(' ')} hung:\n${text(stderr)}`);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

export function collect(stream: NodeJS.ReadableStream | null): Buffer[] {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return chunks;
}

export function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('latin1');
}

/** Polls until `ready`; false when that has not come true within so many milliseconds. */
export async function until(ready: () => boolean, milliseconds: number): Promise<boolean> {
  const end = Date.now() + milliseconds;
  while (!ready()) {
    if (Date.now() > end) return false;
    await sleep(5);
  }
  return true;
}

/** Whether somebody listens there, without connecting: a stand-alone server may serve one connection only. */
export function isListening(address: string, port: number): boolean {
  return listener(address, port) !== undefined;
}

/** Is it this one, or a child of its, that listens there? */
export function listens({ pid }: ChildProcess, address: string, port: number): boolean {
  const inode = listener(address, port);
  return inode !== undefined && pid !== undefined && holds(pid, `socket:[${inode}]`);
}

/** The inode of the socket that listens there. */
function listener(address: string, port: number): string | undefined {
  const octets = address.split('.').reverse().map(hex).join('');
  const local = ` ${octets}:${hex(port >> 8)}${hex(port & 255)} `;
  const table = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  const line = table.find((one) => one.includes(local) && one.includes(' 00000000:0000 0A '));
  return line?.trim().split(/ +/)[9];
}

function holds(pid: number | string, file: string): boolean {
  const open = `/proc/${pid}/fd`;
  try {
    if (readdirSync(open).some((fd) => readlinkSync(`${open}/${fd}`) === file)) return true;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    return children !== '' && children.split(' ').some((child) => holds(child, file));
  } catch (error) {
    // It has ended, or closed something, while we looked.
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

export function hasChildren(child: ChildProcess): boolean {
  const list = `/proc/${child.pid}/task/${child.pid}/children`;
  return !hasEnded(child) && existsSync(list) && readFileSync(list, 'latin1') !== '';
}

export function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function hex(byte: number | string): string {
  return Number(byte).toString(16).toUpperCase().padStart(2, '0');
}

export async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(timer);
}
