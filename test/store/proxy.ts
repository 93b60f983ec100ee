import { connect, createServer, type Server as TcpServer, type Socket } from 'node:net';

/** Stands between a store and its server: counts round trips, and breaks the connection when told to. */
export class Proxy {
  roundTrips = 0;
  /** Called before each request is passed on. */
  onRequest: (bytes: Buffer) => void = () => undefined;
  readonly #server: TcpServer;
  readonly #sockets = new Set<Socket>();

  private constructor(target: number) {
    this.#server = createServer((client) => this.#join(client, connect(target, '127.0.0.1')));
  }

  static async to(target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  breakConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.breakConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, server: Socket): void {
    let asked = false;
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    }
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    client.on('data', (bytes) => {
      if (!asked) this.roundTrips++;
      asked = true;
      this.onRequest(bytes);
      if (!server.destroyed) server.write(bytes);
    });
    server.on('data', (bytes) => {
      asked = false;
      if (!client.destroyed) client.write(bytes);
    });
  }
}
