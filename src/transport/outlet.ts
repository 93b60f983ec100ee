import type { Writable } from 'node:stream';
import { ChannelError } from './channel.ts';

/** Above the one `write` asks for a break, below the other the break is over. Bytes. */
const highMark = 256 * 1024;
const lowMark = 64 * 1024;
/** Text is handed on without waiting once there is so much of it. */
const batchSize = 64 * 1024;
/** Byte arrays up to this size travel inside the text batch: cheaper than a write of their own. */
const smallChunk = 32 * 1024;

interface Waiter {
  readonly mark: number;
  resolve(): void;
  reject(error: ChannelError): void;
}

/** Bytes on their way out: small writes are gathered until the program comes to rest, then leave together. */
export class Outlet {
  readonly #onProgress: () => void;
  #stream: Writable;
  #batch = '';
  #scheduled = false;
  #failure: ChannelError | undefined;
  #waiters: Waiter[] = [];
  #written = 0;

  /** `onProgress` is called when waiting for the peer to take bytes begins, and whenever it took some. */
  constructor(stream: Writable, onProgress: () => void) {
    this.#stream = stream;
    this.#onProgress = onProgress;
  }

  /** Bytes are waiting for the peer to take them. */
  get stuck(): boolean {
    return this.#stream.writableLength > 0;
  }

  /** Bytes so far. */
  get written(): number {
    return this.#written;
  }

  attach(stream: Writable): void {
    this.#stream = stream;
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.#failure !== undefined) return false;
    this.#written += chunk.length;
    if (typeof chunk === 'string') this.#batch += chunk;
    else if (chunk.length <= smallChunk) this.#batch += latin1(chunk);
    else {
      this.flush();
      this.#hand(Buffer.from(chunk));
    }
    if (this.#batch.length >= batchSize) this.flush();
    else if (!this.#scheduled && this.#batch !== '') {
      this.#scheduled = true;
      setImmediate(this.#flushScheduled);
    }
    return this.#unsent < highMark;
  }

  /** Hands the batch to the stream at once. */
  flush(): void {
    if (this.#batch === '') return;
    const batch = this.#batch;
    this.#batch = '';
    if (this.#failure === undefined) this.#hand(batch);
  }

  drained(): Promise<void> {
    return this.#unsent < highMark && this.#failure === undefined ? Promise.resolve() : this.#below(lowMark);
  }

  /** Waits until everything has left this program. */
  emptied(): Promise<void> {
    return this.#below(0);
  }

  /** Ends our side. Later writes are dropped. */
  end(): void {
    this.flush();
    this.#failure ??= new ChannelError('CLOSED', 'our side has ended');
    this.#stream.end();
  }

  /** Drops everything; the first failure counts and is returned. */
  fail(error: ChannelError): ChannelError {
    if (this.#failure !== undefined) return this.#failure;
    this.#failure = error;
    this.#batch = '';
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    return error;
  }

  get #unsent(): number {
    return this.#batch.length + this.#stream.writableLength;
  }

  #below(mark: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.flush();
    if (this.#unsent <= mark) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ mark, resolve, reject });
    });
  }

  #hand(chunk: Buffer | string): void {
    if (this.#stream.writableLength === 0) this.#onProgress();
    this.#stream.write(chunk, 'latin1', this.#onWritten);
  }

  readonly #flushScheduled = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  readonly #onWritten = (error?: Error | null): void => {
    // A failed write makes the stream emit 'error' too, which is where failures are taken from.
    if (error) return;
    this.#onProgress();
    if (this.#waiters.length === 0) return;
    const unsent = this.#unsent;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ mark }) => unsent > mark);
    for (const waiter of waiters) if (unsent <= waiter.mark) waiter.resolve();
  };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
