import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig } from '../../src/config/parse.ts';
import { buildCluster } from '../../src/groups/build.ts';
import { createLog } from '../../src/log/levelLog.ts';
import { Mounts } from '../../src/scan/mounts.ts';
import { recover } from '../../src/scan/recover.ts';
import { defaultLimits, type Served } from '../../src/session/served.ts';
import { Session } from '../../src/session/session.ts';
import { openSqlite } from '../../src/store/sqlite/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { resolvesTo } from '../../src/transport/addresses.ts';
import type { Channel } from '../../src/transport/channel.ts';
import { listenTcp, type Listener } from '../../src/transport/listenTcp.ts';

export const key = 'k'.repeat(40);
/** The peer that connects, and this host. */
export const peer = '127.2.9.1';
export const self = '127.2.9.2';

/** A real session on a real socket, with a real configuration, tree and database under a directory of its own. */
export class Serving {
  readonly root = mkdtempSync(join(tmpdir(), 'csync2-session-'));
  readonly tree = join(this.root, 'tree');
  readonly store: Store;
  readonly log: string[] = [];
  largestFile: number | undefined;
  resolvesTo = resolvesTo;
  readonly #log = createLog(1, {
    write: (_, prefix, message) => this.log.push(prefix + message),
    flush: () => undefined,
  });
  #listener: Listener | undefined;
  #session: Session | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(groupExtra = '') {
    mkdirSync(this.tree);
    writeFileSync(join(this.root, 'key'), key + '\n', { mode: 0o600 });
    writeFileSync(
      join(this.root, 'csync2.cfg'),
      `nossl * *;
prefix t { on *: ${this.tree}; }
group g { host ${peer} ${self} 127.2.9.3; key ${this.root}/key; include %t%; exclude *.no; ${groupExtra} }
`,
    );
    this.store = openSqlite(join(this.root, 'state.db3'), { lockTimeout: 5, unsafe: true, smallTransactions: false });
  }

  /** Connects as the peer; the session's end can be awaited. */
  async connect(): Promise<net.Socket> {
    const accepted = new Promise<Channel>((resolve, reject) => {
      void listenTcp({ address: self, port: 0, onChannel: resolve, onError: reject }).then((listener) => {
        this.#listener = listener;
        this.#dialled?.(listener.port);
      }, reject);
    });
    const port = await new Promise<number>((resolve) => (this.#dialled = resolve));
    const socket = net.connect({ host: self, port, localAddress: peer });
    await once(socket, 'connect');
    const channel = await accepted;
    this.#session = new Session(channel, {
      configure: async () => this.#served(),
      credentials: () => Promise.reject(new Error('no TLS here')),
      resolvesTo: (host, address) => this.resolvesTo(host, address),
      limits: defaultLimits,
      log: this.#log,
    });
    this.#ended = this.#session.run();
    return socket;
  }

  #dialled: ((port: number) => void) | undefined;

  #served(): Served {
    const config = parseConfig(join(this.root, 'csync2.cfg'));
    const restrictTo = (groups: readonly string[]) =>
      buildCluster({ config, host: self, systemDirectory: this.root, groups });
    const cluster = buildCluster({ config, host: self, systemDirectory: this.root });
    return {
      cluster,
      restrictTo,
      ignored: config.ignore,
      store: this.store,
      durable: false,
      idle: defaultLimits.idle,
      largestFile: this.largestFile,
      release: async () => undefined,
    };
  }

  /**
   * Sends `requests` after CONFIG and HELLO, in pieces of `piece` bytes, then BYE; everything that comes back. Between pieces
   * the session comes to run, and so long, in milliseconds, that it gives up waiting for more where `pause` says so.
   */
  async talk(requests: string, piece = Infinity, pause: (piece: number) => number = () => 0): Promise<string> {
    const socket = await this.connect();
    const received: Buffer[] = [];
    socket.on('data', (bytes) => received.push(bytes));
    const ended = once(socket, 'close');
    const bytes = Buffer.from(`CONFIG \nHELLO ${peer}\n${requests}BYE\n`, 'latin1');
    const step = Math.min(piece, bytes.length);
    for (let at = 0; at < bytes.length; at += step) {
      socket.write(bytes.subarray(at, at + step));
      if (step === bytes.length) break;
      const milliseconds = pause(at / step);
      if (milliseconds === 0) await new Promise(setImmediate);
      else await sleep(milliseconds);
    }
    await ended;
    await this.#ended;
    this.#listener?.close();
    const text = Buffer.concat(received).toString('latin1');
    const greeting = 'OK (cmd_finished).\nOK (cmd_finished).\n';
    if (!text.startsWith(greeting)) throw new Error(`no welcome: ${text}`);
    return text.slice(greeting.length).replace(/OK \(cu_later\)\.\n$/, '');
  }

  /** Finishes what others had begun, as any program does first. */
  async recover(store: Store): Promise<void> {
    const { cluster, ignored } = this.#served();
    await recover(cluster, store, ignored, await Mounts.find(cluster, store), this.#log);
  }

  /** Ends the session as a daemon does that is to end. */
  stop(): void {
    this.#session?.stop();
  }

  /** Waits for the end of the session after a connection that was cut. */
  async ended(): Promise<void> {
    await this.#ended;
    this.#listener?.close();
  }

  async close(): Promise<void> {
    await this.store.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}
