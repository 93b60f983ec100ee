import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { formatBlobHeader } from '../protocol/blobs.ts';
import { redact } from '../protocol/redact.ts';
import type { Inbox } from '../protocol/inbox.ts';
import type { Channel } from '../transport/channel.ts';
import { ConversationError } from './conversationError.ts';
import type { Status } from './replies.ts';
import { ChannelError } from '../transport/channel.ts';

/**
 * A reply parser: a generator that takes what it needs from the inbox and yields whenever it needs more bytes. Its
 * return value is the reply. Replies come in the order of the requests, so parsers form a queue.
 */
export type ReplyParser<T> = (inbox: Inbox) => Generator<undefined, T, undefined>;

interface Expected {
  readonly parser: Generator<undefined, unknown, undefined>;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Who asked something that is answered in one line. Exactly one of the two is called, once. */
export interface LineReceiver {
  receive(line: string): void;
  /** The connection ended first. */
  reject(error: unknown): void;
}

/**
 * One connection as the client sees it: requests go out without waiting, replies are matched in order. Something is always
 * reading, so a peer that writes before it reads on can never block against us.
 */
export class Conversation {
  readonly #channel: Channel;
  readonly #inbox: Inbox;
  readonly #log: Log;
  readonly #expected: (Expected | LineReceiver)[] = [];
  #head = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(channel: Channel, inbox: Inbox, log: Log) {
    this.#channel = channel;
    this.#inbox = inbox;
    this.#log = log;
    void this.#pump();
  }

  /** Sends one command line (without its newline) and resolves to the parsed reply; rejects when the connection ends first. */
  ask<T>(line: string, parser: ReplyParser<T>): Promise<T> {
    if (this.#failure !== undefined) return refused(this.#failure);
    if (this.#log.wants(3)) this.#log.write(3, messages.wire('Local', redact(line) + '\n'));
    const reply = this.#expect(parser);
    this.#channel.write(line + '\n');
    return reply;
  }

  /**
   * Sends a command whose answer comes in many parts, and yields them until one carries its end. While nobody takes the
   * next part nothing more is read, so a long answer takes little memory. Fails when the end is not OK.
   */
  async *stream<Part extends { readonly end: Status | undefined }>(
    line: string,
    parser: ReplyParser<Part>,
  ): AsyncGenerator<Part, void, undefined> {
    let part = await this.ask(line, parser);
    for (;;) {
      yield part;
      if (part.end !== undefined) break;
      part = await this.#expect(parser);
    }
    if (!part.end.ok) throw new ConversationError('REFUSED', part.end.line);
  }

  /** Sends what belongs to the command before, and resolves to the reply that the peer gives when it has all of it. */
  askAfter<T>(bytes: string, parser: ReplyParser<T>): Promise<T> {
    if (this.#failure !== undefined) return refused(this.#failure);
    this.#channel.write(bytes);
    return this.#expect(parser);
  }

  /**
   * Sends one command line, and the content that goes with it, without a promise: for requests by the ten thousand.
   * `content` may be written to again at once.
   */
  request(line: string, content: Uint8Array | undefined, receiver: LineReceiver): void {
    if (this.#failure !== undefined) {
      receiver.reject(this.#failure);
      return;
    }
    if (this.#log.wants(3)) this.#log.write(3, messages.wire('Local', redact(line) + '\n'));
    this.#expected.push(receiver);
    if (content === undefined) {
      this.#channel.write(line + '\n');
      return;
    }
    this.#channel.write(`${line}\n${formatBlobHeader(content.length)}\n`);
    this.#channel.write(content);
  }

  /** Sends raw bytes that belong to the command before. */
  send(bytes: Uint8Array | string): boolean {
    return this.#channel.write(bytes);
  }

  /** Lets all requests leave now, for the peer to work on while we do something else. */
  flush(): void {
    this.#channel.flush();
  }

  drained(): Promise<void> {
    return this.#channel.drained();
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  #expect<T>(parser: ReplyParser<T>): Promise<T> {
    const reply = new Promise<T>((resolve, reject) => {
      this.#expected.push({ parser: parser(this.#inbox), resolve: resolve as (reply: unknown) => void, reject });
    });
    mayComeEarly(reply);
    if (this.#outstanding === 1) this.#dispatch();
    this.#wake?.();
    this.#wake = undefined;
    return reply;
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const chunk = await this.#channel.read();
        if (chunk === undefined) throw new ChannelError('CLOSED', 'connection closed by the peer');
        this.#inbox.push(chunk);
        this.#dispatch();
        // A streamed answer that nobody takes: reading on would only fill memory.
        while (this.#outstanding === 0 && this.#inbox.buffered > unaskedLimit) await this.#asked();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #asked(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  get #outstanding(): number {
    return this.#expected.length - this.#head;
  }

  #dispatch(): void {
    while (this.#head < this.#expected.length) {
      const next = this.#expected[this.#head] as Expected | LineReceiver;
      let step: IteratorResult<undefined, unknown>;
      try {
        step = 'parser' in next ? next.parser.next() : nextLine(this.#inbox);
      } catch (error) {
        // The stream is out of step: nothing after this can be trusted.
        this.#fail(error);
        this.#channel.destroy();
        return;
      }
      if (!step.done) return;
      this.#head += 1;
      if (this.#head >= compactAt) {
        this.#expected.splice(0, this.#head);
        this.#head = 0;
      }
      if ('parser' in next) next.resolve(step.value);
      else next.receive(step.value as string);
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    const rest = this.#expected.splice(this.#head);
    for (const expected of rest) expected.reject(error);
  }
}

/** There will be no answer. */
function refused(failure: Error): Promise<never> {
  const reply = Promise.reject<never>(failure);
  mayComeEarly(reply);
  return reply;
}

/** A reply may be rejected before anybody waits for it; whoever awaits it later still sees the rejection. */
function mayComeEarly(reply: Promise<unknown>): void {
  reply.catch(() => undefined);
}

const nothingYet = { done: false, value: undefined } as const;

function nextLine(inbox: Inbox): IteratorResult<undefined, string> {
  const value = inbox.tryLine();
  return value === undefined ? nothingYet : { done: true, value };
}

const compactAt = 1024;
const unaskedLimit = 1 << 20;
