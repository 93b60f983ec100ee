import net from 'node:net';

/** Speaks to a server byte by byte, with no manners of its own. */
export class RawPeer {
  readonly socket: net.Socket;
  private received = Buffer.alloc(0);
  private ended = false;
  private wake: (() => void) | undefined;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    const over = (): void => {
      this.ended = true;
      this.wake?.();
    };
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake?.();
    });
    socket.on('end', over);
    socket.on('error', over);
    socket.on('close', over);
  }

  static connect(host: string, port: number, localAddress: string): Promise<RawPeer> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host, port, localAddress, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawPeer(socket));
      });
    });
  }

  send(bytes: string | Buffer): void {
    if (!this.socket.destroyed) this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** The next line of the server; undefined when it has hung up. */
  async line(patience = 20_000): Promise<string | undefined> {
    const end = await this.until(() => this.received.indexOf(10), patience);
    if (end < 0) return undefined;
    const line = this.received.toString('latin1', 0, end);
    this.received = this.received.subarray(end + 1);
    return line;
  }

  async bytes(count: number, patience = 20_000): Promise<Buffer> {
    await this.until(() => (this.received.length >= count ? 0 : -1), patience);
    const bytes = this.received.subarray(0, count);
    this.received = this.received.subarray(bytes.length);
    return bytes;
  }

  async blob(): Promise<Buffer> {
    const size = Number(/^octet-stream (\d+)$/.exec((await this.line()) ?? '')?.[1] ?? 0);
    return this.bytes(size);
  }

  /** Sends one command line and takes the first line of its answer. */
  async ask(command: string): Promise<string | undefined> {
    this.send(command + '\n');
    return this.line();
  }

  /** The answer to HELLO; undefined when the server has hung up. */
  async logIn(name: string): Promise<string | undefined> {
    return (await this.ask('CONFIG ')) && (await this.ask(`HELLO ${name}`));
  }

  /** All that still comes, until the server hangs up. */
  async rest(patience = 20_000): Promise<string> {
    await this.until(() => -1, patience);
    const text = this.received.toString('latin1');
    this.received = Buffer.alloc(0);
    return text;
  }

  close(): void {
    this.socket.destroy();
  }

  get over(): boolean {
    return this.ended;
  }

  private async until(find: () => number, patience: number): Promise<number> {
    const deadline = Date.now() + patience;
    for (;;) {
      const found = find();
      if (found >= 0) return found;
      if (this.ended) return -1;
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`no answer within ${patience} ms; so far: ${this.received.toString('latin1', 0, 200)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = (): void => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
