import assert from 'node:assert/strict';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Rows } from './database.ts';
import { Host } from './host.ts';
import type { Result } from './process.ts';
import type { Pairing, Program } from './programs.ts';
import type { Tree } from './tree.ts';
import { byFile } from './wire.ts';

/** One host as it is after a command. */
export interface HostState {
  readonly tree: readonly string[];
  readonly backup: readonly string[];
  readonly out: readonly string[];
  readonly rows: Rows;
  /** What its server reported about files. */
  readonly served: readonly string[];
  /** What its server was asked and answered, file by file; empty over TLS. */
  readonly wire: readonly string[];
}

/** One command of a scenario and the state of the cluster after it: what runs of a scenario are compared by. */
export interface Step {
  readonly command: string;
  readonly code: number;
  readonly stdout: readonly string[];
  /** Lines of stderr that scripts look for, sorted: peers and files may be worked on in another order. */
  readonly messages: readonly string[];
  readonly hosts: readonly HostState[];
}

export interface RunHow {
  /** Without the usual -N, -D and -p. */
  readonly raw?: boolean;
  /** Shell redirections. */
  readonly redirect?: string;
}

export interface WorldOptions {
  readonly pairing: Pairing;
  readonly tls: boolean;
  readonly hosts: number;
}

const clientMessages =
  /^(Marking file as dirty|Updating|Deleting|Connecting to host|While syncing|ERROR|WARNING|File is already up|File stays|Host stays|Finished with|Auto-resolving|Do not auto-resolve|Parameter|Running in-sync|Can't|Found)/;
const serverMessages = /^(?:<\d+> )?((?:Marking file as dirty|Updated|Deleted|Running|WARNING|Backup).*)$/;

/** Memory when there is some: what the databases flush to disk would take most of the time. */
function scratch(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}

/** A cluster on loopback addresses that lives as long as one run of one scenario. */
export class World {
  readonly hosts: readonly Host[];
  readonly h1: Host;
  readonly h2: Host;
  readonly steps: Step[] = [];
  readonly root: string;
  readonly tls: boolean;
  readonly pairing: Pairing;
  /** The port that peers connect to. */
  readonly port: number;
  /** `host@interface` scenarios: as which address each host is seen by others. */
  readonly seenAs = new Map<string, string>();

  private constructor(options: WorldOptions, port: number) {
    this.root = mkdtempSync(join(scratch(), 'csync2-scenario-'));
    this.tls = options.tls;
    this.pairing = options.pairing;
    this.port = port;
    this.hosts = Array.from({ length: options.hosts }, (_, at) => this.host(at + 1, options));
    this.h1 = this.at(1);
    this.h2 = this.hosts[1] ?? this.h1;
  }

  static async create(options: WorldOptions): Promise<World> {
    for (let attempt = 0; ; attempt++) {
      const world = new World(options, 20_000 + Math.floor(Math.random() * 12_000));
      try {
        for (const host of world.hosts) await host.answerAt(host.name);
        return world;
      } catch (error) {
        await world.close();
        if (attempt === 20) throw error;
      }
    }
  }

  /** Host number N, counted from 1. */
  at(number: number): Host {
    const host = this.hosts[number - 1];
    if (host === undefined) throw new Error(`no host ${number}`);
    return host;
  }

  get h3(): Host {
    return this.at(3);
  }

  /** The program of the acting host. */
  get acting(): Program {
    return this.pairing.acting;
  }

  /** A directory for hosts to mount their trees on, each in its own mount namespace: one path for all, no prefix. */
  get common(): string {
    const path = join(this.root, 'common');
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Replaces `$1`, `$tree1`, `$out1`, `$backup1`, `$etc1` … by addresses and directories, `$root` by the common one. */
  fill(text: string): string {
    const known: Record<string, (host: Host) => string> = {
      '': (host) => host.name,
      tree: (host) => host.tree.root,
      out: (host) => host.out.root,
      backup: (host) => host.backup.root,
      etc: (host) => host.etc,
    };
    return text
      .replaceAll('$root', this.root)
      .replace(/\$(tree|out|backup|etc|)(\d)/g, (_, what: string, number: string) =>
        (known[what] as (host: Host) => string)(this.at(Number(number))),
      );
  }

  /** Gives all hosts this configuration, with prefix `t` for their trees and, without TLS, `nossl * *` added. */
  configure(text: string): void {
    const prefix = `prefix t {\n${this.hosts.map((host) => `  on ${host.name}: ${host.tree.root};\n`).join('')}}\n`;
    this.configureExactly((this.tls ? '' : 'nossl * *;\n') + prefix + text);
  }

  configureExactly(text: string): void {
    for (const host of this.hosts) host.configure(this.fill(text));
  }

  /** Runs csync2 on a host (options as one text or as words), waits for its peers, and records the step. */
  async run(host: Host, options: string | readonly string[], how: RunHow = {}): Promise<Result> {
    const args = typeof options === 'string' ? options.split(' ') : options;
    const result = await host.run(
      args.map((word) => this.fill(word)),
      how,
    );
    for (const each of this.hosts) await each.settle();
    this.steps.push(
      this.neutral({
        command: `${this.hosts.indexOf(host) + 1}: csync2 ${args.join(' ')}`,
        code: result.code,
        stdout: lines(result.stdout),
        messages: lines(result.stderr)
          .map((line) => line.replace(/^auto resolving\.\.\. response = \d+/, ''))
          .filter((line) => clientMessages.test(line))
          .sort(),
        hosts: this.hosts.map((each) => this.state(each)),
      }),
    );
    return result;
  }

  /** As run, for commands that must succeed. */
  async ok(host: Host, options: string | readonly string[], how: RunHow = {}): Promise<Result> {
    return this.expect(0, host, options, how);
  }

  /** As run, for commands that must report errors. */
  async fails(host: Host, options: string | readonly string[], how: RunHow = {}): Promise<Result> {
    return this.expect(1, host, options, how);
  }

  async expect(code: number, host: Host, options: string | readonly string[], how: RunHow = {}): Promise<Result> {
    const result = await this.run(host, options, how);
    assert.equal(result.code, code, `exit code of ${String(options)}:\n${result.stdout}${result.stderr}`);
    return result;
  }

  /** Fills all trees alike and lets every host record what is there without marking it: a cluster in sync. */
  async settle(fill: (tree: Tree) => void = () => undefined): Promise<void> {
    for (const host of this.hosts) {
      fill(host.tree);
      await this.ok(host, '-cIr /');
    }
  }

  /** All hosts have the same tree, and nothing waits to be sent. */
  assertInSync(...numbers: number[]): void {
    const hosts = numbers.length === 0 ? this.hosts : numbers.map((number) => this.at(number));
    const trees = hosts.map((host) => host.tree.snapshot());
    for (const tree of trees) assert.deepEqual(tree, trees[0]);
    for (const host of hosts) assert.deepEqual(host.rows().dirty, [], `${host.name} has dirty rows`);
  }

  async close(): Promise<void> {
    for (const host of this.hosts) await host.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  private host(number: number, { pairing, tls }: WorldOptions): Host {
    return new Host({
      name: `127.2.1.${number}`,
      root: join(this.root, `h${number}`),
      program: number === 1 ? pairing.acting : pairing.others,
      port: this.port,
      tls,
      source: (address) => this.seenAs.get(address) ?? address,
    });
  }

  private state(host: Host): HostState {
    const { log, exchanges } = host.takeServed();
    const served = lines(log).flatMap((line) => serverMessages.exec(line)?.[1] ?? []);
    return {
      tree: host.tree.snapshot(),
      backup: host.backup.snapshot().map(withoutTime),
      out: host.out.snapshot(),
      rows: host.rows(),
      served: [...new Set(served)].sort(),
      wire: this.tls ? [] : byFile(exchanges),
    };
  }

  /** The same with everything replaced that differs from run to run: the scratch directory, the port, the present. */
  private neutral<T>(value: T): T {
    return JSON.parse(JSON.stringify(value), (_, item: unknown) =>
      typeof item === 'string' ? this.neutralText(item) : item,
    ) as T;
  }

  private neutralText(text: string): string {
    return text
      .replaceAll(this.root, '$root')
      .replaceAll(this.root.slice(1), '$root')
      .replaceAll(`:${this.port}`, ':$port')
      .replace(/\b1\d{9}\b/g, (seconds) => (Math.abs(Number(seconds) - Date.now() / 1000) < 3600 ? 'now' : seconds));
  }
}

function lines(output: string): string[] {
  const all = output.split('\n');
  if (all.at(-1) === '') all.pop();
  return all;
}

/** Backups carry the time when they were made. */
function withoutTime(line: string): string {
  return line.replace(/( file \d+ \d+:\d+) \d+ /, '$1 ');
}
