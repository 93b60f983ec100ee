import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const program = process.env['CSYNC2_OURS'] ?? fileURLToPath(new URL('../../dist/csync2', import.meta.url));

/** What a finished command left behind; outputs are byte strings. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that takes this many milliseconds hangs. */
const patience = 120_000;

export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

let clusters = 0;

/** Hosts on loopback addresses of their own, without TLS between them, whose databases are where `databaseOf` says. */
export class Cluster {
  readonly root = mkdtempSync(join(tmpdir(), 'csync2-databases-'));
  readonly hosts: readonly Host[];
  readonly port = 20_000 + Math.floor(Math.random() * 12_000);

  constructor(count: number, databaseOf: (host: number) => string, more = '') {
    const third = 1 + (clusters++ % 200);
    const names = Array.from({ length: count }, (_, at) => `127.${100 + (process.pid % 100)}.${third}.${at + 1}`);
    this.hosts = names.map((name, at) => new Host(name, join(this.root, `h${at + 1}`), this.port));
    for (const [at, host] of this.hosts.entries()) host.configure(this.#config(names, databaseOf(at + 1), more));
  }

  /** The first two, which most tests need. */
  get pair(): readonly [Host, Host] {
    const [first, second] = this.hosts;
    if (first === undefined || second === undefined) throw new Error('a cluster has two hosts');
    return [first, second];
  }

  #config(names: readonly string[], database: string, more: string): string {
    const places = this.hosts.map((host) => `  on ${host.name}: ${host.tree};`).join('\n');
    return [
      `nossl * *;\n${database === '' ? '' : `database "${database}";`}\nprefix t {\n${places}\n}`,
      `group g { host ${names.join(' ')}; key key; include %t%; }\n${more}`,
    ].join('\n');
  }

  async close(): Promise<void> {
    for (const host of this.hosts) await host.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}

export class Host {
  readonly name: string;
  readonly root: string;
  readonly tree: string;
  readonly etc: string;
  /** What the daemons of this host said so far. */
  log = '';
  readonly #port: number;
  #daemon: Running | undefined;

  constructor(name: string, root: string, port: number) {
    this.name = name;
    this.root = root;
    this.tree = join(root, 'tree');
    this.etc = join(root, 'etc');
    this.#port = port;
    mkdirSync(this.tree, { recursive: true });
    mkdirSync(this.etc);
    writeFileSync(join(this.etc, 'key'), `${'k'.repeat(40)}\n`, { mode: 0o600 });
  }

  configure(text: string, file = 'csync2.cfg'): void {
    writeFileSync(join(this.etc, file), text);
  }

  /** Starts csync2 as this host. */
  start(...args: string[]): Running {
    const own = ['-N', this.name, '-p', String(this.#port)];
    const env = { ...process.env, CSYNC2_SYSTEM_DIR: this.etc };
    const child = spawn(program, [...own, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const texts = { stdout: '', stderr: '' };
    child.stdout.on('data', (bytes: Buffer) => (texts.stdout += bytes.toString('latin1')));
    child.stderr.on('data', (bytes: Buffer) => (texts.stderr += bytes.toString('latin1')));
    const outcome = new Promise<Outcome>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code: code ?? -1, ...texts }));
    });
    return { child, outcome };
  }

  async run(...args: string[]): Promise<Outcome> {
    const { child, outcome } = this.start(...args);
    const timer = setTimeout(() => child.kill('SIGKILL'), patience);
    const result = await outcome;
    clearTimeout(timer);
    if (result.code < 0) throw new Error(`csync2 ${args.join(' ')} hung or crashed:\n${result.stderr}`);
    return result;
  }

  /** Starts the server of this host and waits until it answers. */
  async serve(...args: string[]): Promise<ChildProcess> {
    const running = this.start('-ii', '-v', ...args);
    this.#daemon = running;
    running.child.stderr?.on('data', (bytes: Buffer) => (this.log += bytes.toString('latin1')));
    for (let attempt = 0; attempt < 200; attempt++) {
      if (running.child.exitCode !== null) break;
      if (await this.#answers()) return running.child;
      await pause(50);
    }
    throw new Error(`the server of ${this.name} does not start: ${this.log}`);
  }

  get isServing(): boolean {
    return this.#daemon !== undefined && this.#daemon.child.exitCode === null;
  }

  async stop(): Promise<void> {
    this.#daemon?.child.kill('SIGKILL');
    await this.#daemon?.outcome;
    this.#daemon = undefined;
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#port, this.name);
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  }
}

/** Every name below a directory, with the content of what is a file. */
export function contents(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'latin1' })
    .sort()
    .map((name) => {
      const path = join(directory, name);
      return statSync(path).isFile() ? `${name}: ${readFileSync(path, 'latin1')}` : name;
    });
}
