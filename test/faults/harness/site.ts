import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { certificate } from '../../scenarios/harness/certificates.ts';
import { type Rows, readRows } from '../../scenarios/harness/database.ts';
import { isListening, until } from '../../scenarios/harness/process.ts';
import { type Program, paths } from '../../scenarios/harness/programs.ts';
import { Tree } from '../../scenarios/harness/tree.ts';
import { LocalProgram } from './localProgram.ts';

/** How a command ended. `code` is undefined when a signal ended it. */
export interface Ending {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ending: Promise<Ending>;
  /** All that it has printed so far. */
  readonly said: string;
}

export interface SiteOptions {
  readonly hosts: number;
  readonly programs?: readonly Program[];
  readonly tls?: boolean;
  /** Our program is a part of this process: much faster, but nothing of it can be killed, and commands are few. */
  readonly inProcess?: boolean;
  /** Where everything goes; memory unless said otherwise. */
  readonly root?: string;
}

/** Where hosts are looked for, and where they really listen, so that something can stand in between. */
const publicPort = 30_865;
const privatePort = 30_866;

// Processes whose numbers end alike get other networks, too.
let networks = (Math.floor(process.pid / 200) * 10) % 250;

/** Some hosts on loopback addresses of their own. Unlike scenarios, nothing here is compared, and anything may be killed. */
export class Site {
  readonly hosts: readonly FaultHost[];
  readonly root: string;
  readonly tls: boolean;
  readonly inProcess: boolean;

  constructor({ hosts, programs = [], tls = false, inProcess = false, root }: SiteOptions) {
    this.root = mkdtempSync(join(root ?? (existsSync('/dev/shm') ? '/dev/shm' : '/tmp'), 'csync2-faults-'));
    this.tls = tls;
    this.inProcess = inProcess;
    networks += 1;
    const network = `127.${20 + (process.pid % 200)}.${networks % 250}`;
    this.hosts = Array.from(
      { length: hosts },
      (_, at) => new FaultHost(this, `${network}.${at + 1}`, join(this.root, `h${at + 1}`), programs[at] ?? 'ours'),
    );
  }

  at(index: number): FaultHost {
    const host = this.hosts[index];
    if (host === undefined) throw new Error(`no host ${index}`);
    return host;
  }

  /** One group of all hosts with everything below `%t%`; `more` goes into the group, `before` in front of it. */
  configure(more = '', before = ''): void {
    const prefix = `prefix t {\n${this.hosts.map(({ name, tree }) => `on ${name}: ${tree.root};`).join('\n')}\n}\n`;
    const names = this.hosts.map(({ name }) => name).join(' ');
    const text = `${this.tls ? '' : 'nossl * *;\n'}${before}${prefix}group g {\nhost ${names};\nkey k;\ninclude %t%;\n${more}\n}\n`;
    for (const host of this.hosts) host.configure(text);
  }

  async close(): Promise<void> {
    for (const host of this.hosts) await host.kill();
    rmSync(this.root, { recursive: true, force: true });
  }
}

export const key = 'k'.repeat(40);

/** One host: its files, its database, its server process. */
export class FaultHost {
  readonly name: string;
  readonly root: string;
  readonly tree: Tree;
  readonly etc: string;
  readonly databaseDirectory: string;
  program: Program;
  /** Peers reach this host's server directly, or through something that stands in front of it. */
  port = publicPort;
  log = '';
  server: ChildProcess | undefined;
  readonly #children = new Set<ChildProcess>();
  #listener: net.Server | undefined;
  readonly #local: LocalProgram | undefined;

  constructor(site: Site, name: string, root: string, program: Program) {
    this.name = name;
    this.root = root;
    this.program = program;
    mkdirSync(root);
    this.tree = new Tree(join(root, 'tree'));
    this.etc = join(root, 'etc');
    this.databaseDirectory = join(root, 'db');
    mkdirSync(this.etc);
    mkdirSync(this.databaseDirectory);
    writeFileSync(join(this.etc, 'k'), key + '\n', { mode: 0o600 });
    writeFileSync(join(this.etc, 'other'), 'o'.repeat(40) + '\n', { mode: 0o600 });
    if (site.tls) this.useCertificate(name);
    if (!site.inProcess || program !== 'ours') return;
    const place = { name, port: publicPort, systemDirectory: this.etc, databaseDirectory: this.databaseDirectory };
    this.#local = new LocalProgram(place, (text) => (this.log += text));
  }

  configure(text: string): void {
    writeFileSync(join(this.etc, 'csync2.cfg'), text);
  }

  useCertificate(name: string): void {
    const { cert, key: privateKey } = certificate(name);
    copyFileSync(cert, join(this.etc, 'csync2_ssl_cert.pem'));
    copyFileSync(privateKey, join(this.etc, 'csync2_ssl_key.pem'));
  }

  get database(): string {
    const file = readdirSync(this.databaseDirectory).find((name) => name.endsWith('.db3'));
    return join(this.databaseDirectory, file ?? `${this.name}.db3`);
  }

  rows(): Rows {
    return readRows(this.database);
  }

  /** True while there is a server, as far as anybody knows. */
  get isServing(): boolean {
    return this.#local !== undefined || this.server !== undefined || this.#listener !== undefined;
  }

  /** Serves, in whatever way, where peers look. */
  async open(): Promise<void> {
    if (this.#local === undefined) await this.serve();
    else await this.#local.serve();
  }

  /**
   * Stands a server; `behind`: something else listens where peers look. Without `databaseNamed` its configuration has to say where
   * the database is. Waits until it listens.
   */
  async serve(behind = false, wrap: readonly string[] = [], databaseNamed = true): Promise<ChildProcess> {
    this.port = behind ? privatePort : publicPort;
    const { child } = this.start(['-ii', '-v'], this.port, wrap, this.program, databaseNamed);
    this.server = child;
    child.stderr?.on('data', (chunk: Buffer) => (this.log += chunk.toString('latin1')));
    child.once('exit', () => {
      if (this.server === child) this.server = undefined;
    });
    if (!(await until(() => child.exitCode !== null || isListening(this.name, this.port), 20_000))) {
      throw new Error(`the server of ${this.name} does not listen: ${this.log}`);
    }
    return child;
  }

  /** Plays inetd: a process of its own for every connection. */
  async serveEach(): Promise<void> {
    const listener = net.createServer({ pauseOnConnect: true }, (socket) => {
      this.#run([paths[this.program], '-N', this.name, '-D', this.databaseDirectory, '-i'], [socket, socket, 'ignore']);
      socket.destroy();
    });
    this.#listener = listener;
    await new Promise<void>((resolve) => listener.listen(publicPort, this.name, resolve));
  }

  start(
    args: readonly string[],
    port = publicPort,
    wrap: readonly string[] = [],
    program = this.program,
    databaseNamed = true,
  ): Running {
    const database = databaseNamed ? ['-D', this.databaseDirectory] : [];
    const own = ['-N', this.name, ...database, '-p', String(port)];
    const child = this.#run([...wrap, paths[program], ...own, ...args], ['ignore', 'pipe', 'pipe']);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')));
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')));
    const ending = new Promise<Ending>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code: code ?? undefined, signal, output }));
    });
    return {
      child,
      ending,
      get said() {
        return output;
      },
    };
  }

  #run(words: readonly string[], stdio: StdioOptions): ChildProcess {
    const [command, ...rest] = words as [string, ...string[]];
    const child = spawn(command, rest, {
      env: {
        PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
        LC_ALL: 'C',
        CSYNC2_SYSTEM_DIR: this.etc,
      },
      stdio,
      cwd: this.root,
    });
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  /** Runs a command to its end; fails when that takes longer than `patience` milliseconds. */
  async run(args: string, patience = 60_000, wrap: readonly string[] = []): Promise<Ending> {
    if (this.#local !== undefined) return { signal: null, ...(await this.#local.run(args)) };
    return this.runAs(this.program, args, patience, wrap);
  }

  /** The same with a program that need not be the one that serves. */
  async runAs(program: Program, args: string, patience = 60_000, wrap: readonly string[] = []): Promise<Ending> {
    const { child, ending } = this.start(args.split(' '), publicPort, wrap, program);
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, patience);
    const result = await ending;
    clearTimeout(timer);
    if (hung) throw new Error(`csync2 ${args} hung:\n${result.output}`);
    return result;
  }

  /** Ends every process of this host at once, as a power cut would. */
  async kill(): Promise<void> {
    this.#listener?.close();
    const gone = [...this.#children].map((child) => new Promise((resolve) => child.once('close', resolve)));
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(gone);
    this.server = undefined;
    await this.#local?.close();
  }

  /** Temporary files of ours anywhere in the tree. */
  leftovers(): string[] {
    return this.tree.names().filter((name) => /(^|\/)\.csync2\./.test(name));
  }
}
