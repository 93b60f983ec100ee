import net from 'node:net';

/** A recorded connection: what went each way. */
export interface Recording {
  readonly fromClient: Buffer[];
  readonly fromServer: Buffer[];
}

/**
 * Stands on the address and port where peers look for a host, passes every connection on to the real server, and
 * records both directions. It connects from the client's own address, since servers identify clients by it.
 */
export class Relay {
  readonly recordings: Recording[] = [];
  /** Connections passed on so far, and those that are still open. */
  accepted = 0;
  open = 0;
  /** Breaks the connection off where the client is about to say this. */
  cutBefore: string | undefined;
  private readonly listener: net.Server;
  private readonly sockets = new Set<net.Socket>();
  private readonly target: () => Promise<net.TcpNetConnectOpts>;
  private readonly source: (address: string) => string;

  /** `target` starts the server when it must; `source` gives the address to connect from for a client's address. */
  constructor(target: () => Promise<net.TcpNetConnectOpts>, source: (address: string) => string) {
    this.target = target;
    this.source = source;
    this.listener = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      this.open++;
      this.sockets.add(client);
      this.pass(client).catch(() => {
        this.open--;
        client.resetAndDestroy();
      });
    });
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.listener.once('error', reject);
      this.listener.listen({ host, port }, resolve);
    });
  }

  /** From now on connections are refused, until `listen` is called again. */
  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
    await new Promise((resolve) => this.listener.close(resolve));
  }

  private cut(chunk: Buffer): Buffer | undefined {
    return this.cutBefore !== undefined && chunk.includes(this.cutBefore) ? undefined : chunk;
  }

  private async pass(client: net.Socket): Promise<void> {
    const localAddress = this.source(client.remoteAddress ?? '');
    const target = await this.target();
    const server = await connect({ ...target, localAddress, allowHalfOpen: true });
    this.sockets.add(server);
    this.accepted++;
    const recording: Recording = { fromClient: [], fromServer: [] };
    this.recordings.push(recording);
    copy(client, server, recording.fromClient, (chunk) => this.cut(chunk));
    copy(server, client, recording.fromServer, (chunk) => chunk);
    let closed = 0;
    const onClose = (): void => {
      if (++closed === 2) this.open--;
    };
    client.on('close', onClose);
    server.on('close', onClose);
  }
}

/** What may pass of a chunk; undefined breaks the connection off. */
type Filter = (chunk: Buffer) => Buffer | undefined;

function connect(options: net.NetConnectOpts): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(options);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** One direction: bytes, end of stream and resets, all passed on. */
function copy(from: net.Socket, to: net.Socket, record: Buffer[], filter: Filter): void {
  from.on('data', (received: Buffer) => {
    const chunk = filter(received);
    if (chunk === undefined) {
      from.resetAndDestroy();
      to.resetAndDestroy();
      return;
    }
    record.push(chunk);
    if (to.writable && !to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
  from.on('error', () => to.resetAndDestroy());
  from.on('close', () => {
    if (!to.writableEnded) to.end();
  });
  from.setNoDelay(true);
  from.resume();
}
