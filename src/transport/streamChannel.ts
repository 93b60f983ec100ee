import type { Duplex, Readable, Writable } from 'node:stream';
import { type Channel, ChannelError, type TlsCredentials } from './channel.ts';
import { asChannelError } from './failures.ts';
import { IdleClock } from './idleClock.ts';
import { Intake } from './intake.ts';
import { Outlet } from './outlet.ts';

/** Seconds that the peer has to end its side after we ended ours. */
const farewell = 3;
/** Seconds without progress that `close` grants for the rest of the queue when no idle timeout is set. */
const lastWords = 30;

/** The two directions of a connection: one stream twice, or a pair of pipes. */
export interface Ends {
  readonly input: Readable;
  readonly output: Writable;
  /** Both as one stream, for TLS to be laid over. */
  duplex(): Duplex;
}

export interface Remote {
  readonly address: string | undefined;
  readonly port: number | undefined;
}

/** The one Channel: over a socket, over a pair of pipes, and, once upgraded, over TLS on top of either. */
export class StreamChannel implements Channel {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly #ends: Ends;
  readonly #intake: Intake;
  readonly #outlet: Outlet;
  readonly #clock: IdleClock;
  #input: Readable;
  #output: Writable;
  #handshaking = false;
  #encrypted = false;
  #certificate: Uint8Array | undefined;
  #objection: Channel['objection'];
  #closing: Promise<void> | undefined;

  constructor(ends: Ends, remote: Remote) {
    this.remoteAddress = remote.address;
    this.remotePort = remote.port;
    this.#ends = ends;
    this.#input = ends.input;
    this.#output = ends.output;
    this.#clock = new IdleClock(
      () => this.#handshaking || this.#intake.waiting || this.#outlet.stuck,
      (seconds) => this.#break(new ChannelError('IDLE_TIMEOUT', `nothing happened for ${seconds} seconds`)),
    );
    const touch = (): void => this.#clock.touch();
    this.#watch(ends.input);
    if (!Object.is(ends.output, ends.input)) this.#watch(ends.output);
    this.#intake = new Intake(ends.input, touch);
    this.#outlet = new Outlet(ends.output, touch);
  }

  get encrypted(): boolean {
    return this.#encrypted;
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.#certificate;
  }

  get objection(): Channel['objection'] {
    return this.#objection;
  }

  get traffic(): number {
    return this.#intake.arrived + this.#outlet.written;
  }

  read(): Promise<Uint8Array | undefined> {
    this.#clock.touch();
    return this.#intake.read();
  }

  write(chunk: Uint8Array | string): boolean {
    return this.#outlet.write(chunk);
  }

  flush(): void {
    this.#outlet.flush();
  }

  drained(): Promise<void> {
    return this.#outlet.drained();
  }

  setIdleTimeout(seconds: number): void {
    this.#clock.set(seconds);
  }

  async startTls(role: 'client' | 'server', credentials: TlsCredentials, already?: Uint8Array): Promise<void> {
    await this.#outlet.emptied();
    this.#handshaking = true;
    this.#clock.touch();
    try {
      // Loaded only here: TLS costs start-up time.
      const { secure } = await import('./tls.ts');
      const early = this.#intake.detach();
      if (already !== undefined) early.unshift(already);
      if (this.#intake.ended) throw new ChannelError('TLS', 'the peer hung up before TLS was set up');
      const secured = await secure(this.#ends.duplex(), role, credentials, Buffer.concat(early));
      const { stream } = secured;
      this.#certificate = secured.certificate;
      this.#objection = secured.objection;
      this.#encrypted = true;
      this.#input = this.#output = stream;
      this.#watch(stream);
      this.#outlet.attach(stream);
      this.#intake.attach(stream);
    } catch (error) {
      throw this.#break(asChannelError(error, 'TLS'));
    } finally {
      this.#handshaking = false;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  destroy(): void {
    this.#break(new ChannelError('CLOSED', 'the connection was closed'));
  }

  async #close(): Promise<void> {
    if (!this.#clock.running) this.#clock.set(lastWords);
    try {
      await this.#outlet.emptied();
      this.#outlet.end();
      const timer = setTimeout(() => this.destroy(), farewell * 1000);
      await this.#intake.discard();
      clearTimeout(timer);
    } catch (error) {
      // The peer is gone, or too slow: there is nobody left to tell.
      if (!(error instanceof ChannelError)) throw error;
    } finally {
      this.destroy();
    }
  }

  #watch(stream: Readable | Writable): void {
    stream.on('error', (error: Error) => {
      this.#break(asChannelError(error, 'RESET'));
    });
    stream.on('close', () => {
      const inputOnly = stream === this.#input && !Object.is(this.#input, this.#output);
      if (inputOnly && this.#intake.ended) return;
      // Once TLS lies over a stream, its end is told by the upper one.
      if (stream !== this.#input && stream !== this.#output) return;
      this.#break(new ChannelError('RESET', 'the connection was lost'));
    });
  }

  /** Ends everything for this reason, or for the one that was there before. Returns the error that counts. */
  #break(error: ChannelError): ChannelError {
    this.#clock.stop();
    this.#intake.fail(error);
    const reason = this.#outlet.fail(error);
    for (const stream of [this.#input, this.#output, this.#ends.input, this.#ends.output]) stream.destroy();
    return reason;
  }
}
