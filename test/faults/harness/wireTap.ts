import net from 'node:net';

/** Which way a line goes. */
export type Way = 'request' | 'answer';

export interface Passing {
  readonly way: Way;
  /** Without its newline; for a blob's header the bytes follow. */
  readonly line: string;
  /** Counted over both ways, from 1. */
  readonly number: number;
}

/** What happens after a line has passed. `cut`: both sides are reset, nothing more passes. */
export type Verdict = 'pass' | 'cut';

/**
 * Stands where peers look for a host and hands every line on, one by one, in the order in which they are given, asking
 * after each what is to happen. Connects from the client's own address, since servers identify clients by it.
 */
export class WireTap {
  onLine: (passing: Passing) => Verdict | Promise<Verdict> = () => 'pass';
  /** Called with every connection; may take it over by returning true. */
  onConnection: (client: net.Socket) => boolean = () => false;
  /** What is handed on in place of a request line. */
  rewrite: ((line: string) => string) | undefined;
  count = 0;
  readonly lines: Passing[] = [];
  readonly #listener: net.Server;
  readonly #sockets = new Set<net.Socket>();

  readonly #target: { readonly host: string; readonly port: number };

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#listener = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => this.#accept(client));
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen({ host, port }, resolve);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#listener.close(resolve));
  }

  #accept(client: net.Socket): void {
    this.#sockets.add(client);
    client.on('error', () => undefined);
    if (this.onConnection(client)) return;
    const server = net.connect({ ...this.#target, localAddress: client.remoteAddress ?? '', allowHalfOpen: true });
    this.#sockets.add(server);
    const reset = (): void => {
      client.resetAndDestroy();
      server.resetAndDestroy();
    };
    client.on('error', reset);
    server.on('error', reset);
    server.once('connect', () => {
      this.#copy(client, server, 'request', reset);
      this.#copy(server, client, 'answer', reset);
    });
  }

  #copy(from: net.Socket, to: net.Socket, way: Way, reset: () => void): void {
    const cutter = new LineCutter();
    let busy: Promise<void> = Promise.resolve();
    let over = false;
    const pass = async (chunk: Buffer): Promise<void> => {
      for (const piece of cutter.cut(chunk)) {
        if (over || to.destroyed) return;
        const rewritten = way === 'request' && piece.line !== undefined ? this.rewrite?.(piece.line) : undefined;
        to.write(rewritten === undefined ? piece.bytes : Buffer.from(`${rewritten}\n`, 'latin1'));
        if (piece.line === undefined) continue;
        const passing = { way, line: piece.line, number: ++this.count };
        this.lines.push(passing);
        if ((await this.onLine(passing)) === 'pass') continue;
        over = true;
        reset();
        return;
      }
    };
    from.on('data', (chunk: Buffer) => {
      from.pause();
      busy = busy.then(() => pass(chunk)).then(() => void from.resume());
    });
    from.on('end', () => void busy.then(() => to.end()));
    from.on('close', () => void busy.then(() => to.end()));
    from.setNoDelay(true);
    from.resume();
  }
}

interface Piece {
  readonly bytes: Buffer;
  readonly line: string | undefined;
}

/** Takes one direction apart into lines and the bytes of blobs. */
class LineCutter {
  private held = Buffer.alloc(0);
  private blob = 0;

  *cut(chunk: Buffer): Generator<Piece> {
    let rest = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    this.held = Buffer.alloc(0);
    while (rest.length > 0) {
      if (this.blob > 0) {
        const bytes = rest.subarray(0, this.blob);
        this.blob -= bytes.length;
        rest = rest.subarray(bytes.length);
        yield { bytes, line: undefined };
        continue;
      }
      const end = rest.indexOf(10);
      if (end < 0) {
        this.held = Buffer.from(rest);
        return;
      }
      const line = rest.toString('latin1', 0, end);
      const size = Number(/^octet-stream (\d+)$/.exec(line)?.[1] ?? 0);
      if (line.startsWith('octet-stream')) this.blob = size;
      yield { bytes: rest.subarray(0, end + 1), line };
      rest = rest.subarray(end + 1);
    }
  }
}
