import { setImmediate } from 'node:timers/promises';
import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { parseBlobHeader } from '../protocol/blobs.ts';
import { contentLimit } from '../protocol/contentDigest.ts';
import { ProtocolError } from '../protocol/errors.ts';
import { Inbox } from '../protocol/inbox.ts';
import { redact } from '../protocol/redact.ts';
import { replies } from '../protocol/replies.ts';
import { type Channel, ChannelError } from '../transport/channel.ts';
import type { Allowance } from './allowance.ts';
import { ContentSpace } from './contentSpace.ts';

/** What the peer sends: lines, and bytes between them. Whoever asks for more than has arrived waits for it. */
export class Incoming {
  readonly #channel: Channel;
  readonly #allowance: Allowance;
  readonly #inbox: Inbox;
  readonly #log: Log;
  readonly #beforeWaiting: () => Promise<void>;
  readonly #contents = new ContentSpace();

  /** The peer sends many requests ahead: it is worth a moment to see whether more have arrived. */
  isGathering = false;

  /**
   * `allowance`: the time that the peer has to send. `lineLimit`: bytes. `beforeWaiting`: works off what has arrived; the peer
   * may wait for that before it goes on.
   */
  constructor(channel: Channel, allowance: Allowance, lineLimit: number, log: Log, beforeWaiting: () => Promise<void>) {
    this.#channel = channel;
    this.#allowance = allowance;
    this.#inbox = new Inbox(lineLimit);
    this.#log = log;
    this.#beforeWaiting = beforeWaiting;
  }

  /** The next line; undefined at the end of the stream. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const line = this.#inbox.tryLine();
      if (line !== undefined) {
        if (this.#log.wants(3)) this.#log.write(3, messages.wire('Peer', redact(line) + '\n'));
        return line;
      }
      if (!(await this.#more())) return undefined;
    }
  }

  /** Up to `max` of the bytes that come next; at least one. */
  async bytes(max: number): Promise<Uint8Array> {
    for (;;) {
      const bytes = this.#inbox.tryBytes(max);
      if (bytes !== undefined) return bytes;
      if (!(await this.#more())) throw new ChannelError('CLOSED', 'the peer hung up in the middle of a file');
    }
  }

  /**
   * The blob behind an XPUT, which is taken off the stream in any case; a string is the reply that refuses it. Good until
   * `release`. `isWanted` false: nothing of it is kept, since anybody could fill memory with it.
   */
  async content(isWanted: boolean): Promise<Uint8Array | string> {
    const header = await this.line();
    const length = header === undefined ? 'MALFORMED' : parseBlobHeader(header);
    if (length === 'UNAVAILABLE' || length === 'IO_ERROR') return replies.contentRefused;
    if (typeof length === 'string')
      throw new ProtocolError('OUT_OF_STEP', `Expected content, got '${redact(header ?? '')}'.`);
    let content: Buffer | undefined;
    for (let done = 0; done < length;) {
      const bytes = await this.bytes(length - done);
      if (bytes.length === length) return bytes;
      if (isWanted && length <= contentLimit) content ??= this.#contents.take(length);
      content?.set(bytes, done);
      done += bytes.length;
    }
    this.#contents.filled();
    if (length === 0) return new Uint8Array(0);
    return content ?? (isWanted ? replies.contentTooLarge : replies.denied);
  }

  /** The contents that were given so far are no longer in use. */
  release(): void {
    this.#contents.release();
  }

  /** Everything that has arrived and was not asked for, in order. For bytes that belong to another layer. */
  takeAll(): Uint8Array {
    return this.#inbox.takeAll();
  }

  /** False at the end of the stream. */
  async #more(): Promise<boolean> {
    const reading = this.#channel.read();
    // Its failure is heard of below, once what has arrived so far is worked off.
    reading.catch(() => undefined);
    if (!this.isGathering || !(await arrivesSoon(reading))) await this.#beforeWaiting();
    const chunk = await this.#allowance.spend(reading);
    if (chunk === undefined) return false;
    this.#inbox.push(chunk);
    return true;
  }
}

/** True when something has arrived by the time that the program next comes to rest. */
async function arrivesSoon(reading: Promise<unknown>): Promise<boolean> {
  const arrived = (): boolean => true;
  return Promise.race([reading.then(arrived, arrived), setImmediate(false)]);
}
