import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

export const top = fileURLToPath(new URL('../..', import.meta.url));
export const program = process.env['CSYNC2_OURS'] ?? join(top, 'dist/csync2');

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let clusters = 0;

/** Some hosts on loopback addresses, each with directories of its own, that live as long as their test. */
export class Cluster {
  readonly root = mkdtempSync(join(tmpdir(), 'csync2-modes-'));
  readonly hosts: readonly Host[];
  readonly port = 21_000 + (process.pid % 400) * 20 + (clusters++ % 20);

  constructor(t: TestContext, size: number) {
    this.hosts = Array.from({ length: size }, (_, index) => new Host(this, `127.6.1.${index + 1}`));
    t.after(async () => {
      for (const host of this.hosts) await host.stop();
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  host(number: number): Host {
    return this.hosts[number - 1] as Host;
  }

  /** `%t%` is each host's tree. */
  configure(text: string): void {
    const locations = this.hosts.map((host) => `on ${host.name}: ${host.tree};`).join(' ');
    for (const host of this.hosts) writeFileSync(join(host.etc, 'csync2.cfg'), `prefix t { ${locations} }\n${text}`);
  }

  /** One group with all hosts and all of `%t%`; connections are plain unless `tls`. */
  configureOne(statements = '', tls = false): void {
    const names = this.hosts.map(({ name }) => name).join(' ');
    this.configure(`${tls ? '' : 'nossl * *;\n'}group g { host ${names}; key k; include %t%; ${statements} }\n`);
  }
}

export class Host {
  readonly name: string;
  readonly etc: string;
  readonly db: string;
  readonly tree: string;
  readonly #cluster: Cluster;
  #server: ChildProcess | undefined;
  #log = '';

  constructor(cluster: Cluster, name: string) {
    this.#cluster = cluster;
    this.name = name;
    [this.etc, this.db, this.tree] = ['etc', 'db', 'tree'].map((part) => {
      const directory = join(cluster.root, name, part);
      mkdirSync(directory, { recursive: true });
      return directory;
    }) as [string, string, string];
    writeFileSync(join(this.etc, 'k'), 'k'.repeat(40) + '\n', { mode: 0o600 });
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, CSYNC2_SYSTEM_DIR: this.etc };
  }

  get ownOptions(): string[] {
    return ['-N', this.name, '-D', this.db, '-p', String(this.#cluster.port)];
  }

  /** Outputs are byte strings. */
  run(...args: string[]): Result {
    return start(program, [...this.ownOptions, ...args], this.env);
  }

  json(...args: string[]): Record<string, unknown>[] {
    return this.run('--json', ...args)
      .stdout.split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(Buffer.from(line, 'latin1').toString()) as Record<string, unknown>);
  }

  write(name: string, content: string): void {
    writeFileSync(Buffer.from(join(this.tree, name), 'latin1'), content, 'latin1');
  }

  async serve(): Promise<void> {
    this.#server = spawn(program, ['-ii', '-v', ...this.ownOptions], {
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#server.stderr?.on('data', (chunk: Buffer) => (this.#log += chunk.toString('latin1')));
    await once(this.#server.stdout as NodeJS.ReadableStream, 'data');
  }

  /** Sends the server a SIGHUP and waits until it says this. */
  async hangUp(expected: RegExp): Promise<void> {
    this.#log = '';
    this.#server?.kill('SIGHUP');
    for (let tries = 0; !expected.test(this.#log); tries++) {
      if (tries === 500) throw new Error(`the server says: ${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Sends the server a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#server?.kill(signal);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    server.kill('SIGCONT');
    await ended;
    this.#server = undefined;
  }
}

export function start(command: string, args: readonly string[], env = process.env, timeout = 120_000): Result {
  const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: 'latin1', timeout });
  return { code: status ?? -1, stdout, stderr };
}

export function has(command: string): boolean {
  return start('sh', ['-c', `command -v ${command}`]).code === 0;
}
