import type { Readable } from 'node:stream';
import { boundHeap } from '../bytes/heap.ts';
import { ChannelError } from './channel.ts';

/** The stream is paused above the one and resumed below the other. Bytes. */
const pauseAbove = 512 * 1024;
const resumeBelow = 128 * 1024;

interface Reader {
  resolve(chunk: Uint8Array | undefined): void;
  reject(error: ChannelError): void;
}

/** Bytes on their way in: a bounded queue between a stream that pushes and a reader that pulls. */
export class Intake {
  readonly #onArrival: () => void;
  #stream: Readable;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #paused = false;
  #ended = false;
  #failure: ChannelError | undefined;
  #reader: Reader | undefined;
  #arrived = 0;

  /** `onArrival` is called whenever something arrives. */
  constructor(stream: Readable, onArrival: () => void) {
    this.#stream = stream;
    this.#onArrival = onArrival;
    this.attach(stream);
  }

  /** Somebody is waiting for bytes. */
  get waiting(): boolean {
    return this.#reader !== undefined;
  }

  /** Bytes so far. */
  get arrived(): number {
    return this.#arrived;
  }

  get ended(): boolean {
    return this.#ended;
  }

  read(): Promise<Uint8Array | undefined> {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.#queued -= chunk.length;
      if (this.#paused && this.#queued < resumeBelow) this.#setPaused(false);
      return Promise.resolve(chunk);
    }
    if (this.#ended) return Promise.resolve(undefined);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#reader !== undefined) return Promise.reject(new Error('read() was called before the last one was done'));
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  /** Nothing more will come. What has arrived can still be read; the first failure counts. */
  fail(error: ChannelError): void {
    if (this.#ended || this.#failure !== undefined) return;
    this.#failure = error;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.reject(error);
  }

  attach(stream: Readable): void {
    this.#stream = stream;
    this.#paused = false;
    stream.on('data', this.#onData);
    stream.on('end', this.#onEnd);
  }

  /** Stops listening and returns what has arrived and was not read. */
  detach(): Uint8Array[] {
    this.#stream.off('data', this.#onData);
    this.#stream.off('end', this.#onEnd);
    this.#stream.pause();
    const queue = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    return queue;
  }

  /** Drops what has arrived and what still comes; resolves when nothing more can come. */
  discard(): Promise<void> {
    this.detach();
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.reject(new ChannelError('CLOSED', 'the connection is being closed'));
    if (this.#ended || this.#failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => resolve();
      this.#reader = { resolve: done, reject: done };
      this.#stream.on('data', this.#onArrival);
      this.#stream.on('end', this.#onEnd);
      this.#stream.resume();
    });
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#onArrival();
    boundHeap();
    this.#arrived += chunk.length;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve(chunk);
      return;
    }
    this.#queue.push(chunk);
    this.#queued += chunk.length;
    if (!this.#paused && this.#queued > pauseAbove) this.#setPaused(true);
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve(undefined);
  };

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.#stream.pause();
    else this.#stream.resume();
  }
}
