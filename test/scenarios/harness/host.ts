import type { ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { certificate } from './certificates.ts';
import { type Rows, alterRows, readRows } from './database.ts';
import {
  type Mount,
  type Result,
  type Start,
  collect,
  hasChildren,
  hasEnded,
  isListening,
  listens,
  run,
  start,
  stop,
  text,
  until,
} from './process.ts';
import { type Program, paths } from './programs.ts';
import { Relay } from './relay.ts';
import { Tree } from './tree.ts';
import { type Exchange, parseConversation } from './wire.ts';

/** How a host serves: one process for all connections, one for each, or one started with the connection as stdin. */
export type Serving = '-ii' | '-iii' | '-i';

export interface HostOptions {
  /** Its own name and the address it binds: 127.2.1.N. */
  readonly name: string;
  readonly root: string;
  readonly program: Program;
  /** Where peers connect to. */
  readonly port: number;
  readonly tls: boolean;
  /** Maps the address that a client comes from to the one that servers shall see. */
  readonly source: (address: string) => string;
}

/** What one host's server said and heard since it was last asked. */
export interface Served {
  readonly log: string;
  readonly exchanges: readonly Exchange[];
}

/** One member of a cluster: its directories, its configuration, its server, and commands run on it. */
export class Host {
  readonly name: string;
  /** The synchronized tree, mapped to `%t%` by the default configuration. */
  readonly tree: Tree;
  readonly backup: Tree;
  /** Where actions and others leave things that are not synchronized. */
  readonly out: Tree;
  readonly etc: string;
  readonly root: string;
  program: Program;
  serving: Serving = '-ii';
  /** What happens to connections: served, or reset as soon as they are there. */
  broken = false;
  mounts: readonly Mount[] = [];
  /** Further options of every server process. */
  serverArgs: readonly string[] = ['-v'];
  /** The name for -N when it is not the address. */
  ownName: string;
  private readonly options: HostOptions;
  private readonly relays: Relay[] = [];
  private readonly processes: ChildProcess[] = [];
  private standing: { child: ChildProcess; port: number } | undefined;
  private starting: Promise<number> | undefined;
  private logs: Buffer[][] = [];
  private finished = 0;
  private static nextPort = 10_000 + ((process.pid * 997) % 10_000);

  constructor(options: HostOptions) {
    this.options = options;
    this.name = options.name;
    this.ownName = options.name;
    this.program = options.program;
    this.root = options.root;
    this.etc = join(options.root, 'etc');
    mkdirSync(this.etc, { recursive: true });
    mkdirSync(join(options.root, 'db'));
    this.tree = new Tree(join(options.root, 'tree'));
    this.backup = new Tree(join(options.root, 'backup'));
    this.out = new Tree(join(options.root, 'out'));
    for (const key of ['k', 'k2', 'k3']) this.configure(`${key.repeat(40).slice(0, 40)}\n`, key);
    if (options.tls) this.useCertificate(options.name);
  }

  /** Writes a file of the system directory; `csync2.cfg` unless another is named. Byte string. */
  configure(content: string, file = 'csync2.cfg'): void {
    writeFileSync(join(this.etc, file), content, { encoding: 'latin1', mode: 0o600 });
  }

  useCertificate(name: string): void {
    const { cert, key } = certificate(name);
    copyFileSync(cert, join(this.etc, 'csync2_ssl_cert.pem'));
    copyFileSync(key, join(this.etc, 'csync2_ssl_key.pem'));
  }

  /** The single database file, whatever the program called it. */
  get database(): string {
    const directory = join(this.root, 'db');
    const file = readdirSync(directory).find((name) => name.endsWith('.db3'));
    return join(directory, file ?? `${this.ownName}.db3`);
  }

  rows(): Rows {
    return readRows(this.database);
  }

  alter(sql: string): void {
    alterRows(this.database, sql);
  }

  /** Runs csync2 on this host with its name, database and port; `raw` leaves those out. */
  async run(
    args: readonly string[],
    how: { readonly raw?: boolean; readonly redirect?: string } = {},
  ): Promise<Result> {
    const own = ['-N', this.ownName, '-D', join(this.root, 'db'), '-p', String(this.options.port)];
    const what = this.start(how.raw === true ? args : [...own, ...args]);
    return run(how.redirect === undefined ? what : { ...what, redirect: how.redirect });
  }

  /** Takes connections for this host at that address, starting the server when the first one comes. */
  async answerAt(address: string): Promise<void> {
    const relay = new Relay(() => this.target(), this.options.source);
    await relay.listen(address, this.options.port);
    this.relays.push(relay);
  }

  /** Connections to this host break off where the client is about to say `command`; undefined: no longer. */
  cutBefore(command: string | undefined): void {
    for (const relay of this.relays) relay.cutBefore = command;
  }

  /** Connections to this host are refused. */
  async goDown(): Promise<void> {
    for (const relay of this.relays) await relay.close();
  }

  async comeUp(): Promise<void> {
    for (const relay of this.relays) await relay.listen(this.name, this.options.port);
  }

  /** Waits until every session has ended and its server has written all it has to. */
  async settle(): Promise<void> {
    const quiet = (): boolean => this.relays.every((relay) => relay.open === 0) && this.sessionsEnded();
    await until(quiet, 30_000);
  }

  takeServed(): Served {
    const exchanges: Exchange[] = [];
    for (const relay of this.relays) {
      for (const { fromClient, fromServer } of relay.recordings.splice(0)) {
        exchanges.push(...parseConversation(Buffer.concat(fromClient), Buffer.concat(fromServer)));
      }
    }
    const log = this.logs.map((chunks) => text(chunks.splice(0))).join('');
    this.finished += countFinished(log);
    return { log, exchanges };
  }

  async stop(): Promise<void> {
    for (const child of this.processes.splice(0)) await stop(child);
    this.standing = undefined;
    this.starting = undefined;
  }

  async close(): Promise<void> {
    await this.goDown();
    await this.stop();
  }

  private start(args: readonly string[]): Start {
    const env = { CSYNC2_SYSTEM_DIR: this.etc };
    return { program: paths[this.program], args, env, mounts: this.mounts, scratch: this.root };
  }

  /** The C program has a process for each session; ours says when it is through with one. */
  private sessionsEnded(): boolean {
    const gone = this.processes.every((child) => child === this.standing?.child || child.exitCode !== null);
    if (this.serving !== '-ii') return gone;
    if (this.program === 'c') return this.standing === undefined || !hasChildren(this.standing.child);
    const accepted = this.relays.reduce((sum, relay) => sum + relay.accepted, 0);
    const pending = this.logs.reduce((sum, chunks) => sum + countFinished(text(chunks)), 0);
    return this.finished + pending >= accepted;
  }

  private async target(): Promise<net.TcpNetConnectOpts> {
    if (this.broken) throw new Error(`${this.name} is broken`);
    if (this.serving === '-i') return { host: this.name, port: await this.inetd() };
    if (this.serving === '-iii') return { host: this.name, port: await this.launch() };
    // The server of the C program ends by itself now and then; whoever runs it starts it again.
    if (this.program === 'c' && this.standing !== undefined && hasEnded(this.standing.child)) this.starting = undefined;
    this.starting ??= this.launch();
    return { host: this.name, port: await this.starting };
  }

  private async launch(): Promise<number> {
    for (let attempt = 0; attempt < 20; attempt++) {
      const port = Host.freePort(this.name);
      const own = ['-N', this.ownName, '-D', join(this.root, 'db'), '-p', String(port)];
      const child = this.spawn([this.serving, ...own, ...this.serverArgs], ['ignore', 'ignore', 'pipe']);
      const ready = (): boolean => listens(child, this.name, port);
      if ((await until(() => child.exitCode !== null || ready(), 30_000)) && ready()) {
        if (this.serving === '-ii') this.standing = { child, port };
        return port;
      }
      await stop(child);
    }
    const log = this.logs.map(text).join('');
    throw new Error(`The server of ${this.name} does not start:\n${log}`);
  }

  /** Plays inetd for one connection. */
  private async inetd(): Promise<number> {
    const own = ['-i', '-N', this.ownName, '-D', join(this.root, 'db')];
    const listener = net.createServer({ pauseOnConnect: true }, (socket) => {
      this.spawn(own, [socket, socket, 'pipe']);
      socket.destroy();
      listener.close();
    });
    await new Promise<void>((resolve) => listener.listen(0, this.name, resolve));
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }

  private spawn(args: readonly string[], stdio: ('ignore' | 'pipe' | net.Socket)[]): ChildProcess {
    const child = start(this.start(args), { stdio });
    this.processes.push(child);
    this.logs.push(collect(child.stderr));
    return child;
  }

  /** A port that nobody listens on at this address now; a race with another process is met by trying again. */
  private static freePort(address: string): number {
    do {
      Host.nextPort = Host.nextPort >= 19_999 ? 10_000 : Host.nextPort + 1;
    } while (isListening(address, Host.nextPort));
    return Host.nextPort;
  }
}

function countFinished(log: string): number {
  return log.match(/Finished with \d+ errors\./g)?.length ?? 0;
}
