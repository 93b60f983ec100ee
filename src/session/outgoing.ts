import type { Encoded } from '../bytes/bytes.ts';
import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import type { Journal } from '../scan/journal.ts';
import type { Change, Store } from '../store/store.ts';
import type { Channel } from '../transport/channel.ts';
import type { Allowance } from './allowance.ts';

const changesAtOnce = 500;
const repliesAtOnce = 256 << 10;

/**
 * What a session has done and not said yet. Changes of the database and replies are gathered and go together, the changes
 * first: no reply leaves before what it says is committed.
 */
export class Outgoing {
  readonly #channel: Channel;
  readonly #allowance: Allowance;
  readonly #journal: Journal;
  readonly #log: Log;
  #changes: Change[] = [];
  #changedNames = new Set<string>();
  #replies: (string | Uint8Array)[] = [];
  #replyBytes = 0;
  /** Changes were lost: what was begun with them is left to `recover`. */
  #hasFailed = false;

  /** Known from CONFIG on; nothing is recorded before. */
  store: Store | undefined;

  /** `allowance`: the time that the peer has to read. */
  constructor(channel: Channel, allowance: Allowance, journal: Journal, log: Log) {
    this.#channel = channel;
    this.#allowance = allowance;
    this.#journal = journal;
    this.#log = log;
  }

  /** It is time to flush. */
  get isFull(): boolean {
    return this.#changes.length >= changesAtOnce || this.#replyBytes >= repliesAtOnce;
  }

  reply(line: string): void {
    this.replyLines(line + '\n');
  }

  replyLines(lines: string): void {
    if (this.#log.wants(3))
      for (const line of lines.match(/[^\n]*\n/g) ?? []) this.#log.write(3, messages.wire('Local', line));
    this.#replies.push(lines);
    this.#replyBytes += lines.length;
  }

  replyBytes(bytes: Uint8Array): void {
    this.#replies.push(bytes);
    this.#replyBytes += bytes.length;
  }

  record(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#changes.push(change);
      if ('name' in change) this.#changedNames.add(change.name);
    }
  }

  /** Commits if anything was recorded about these names. */
  async settle(names: readonly Encoded[]): Promise<void> {
    if (this.#changedNames.size > 0 && names.some((name) => this.#changedNames.has(name))) await this.commit();
  }

  /** Commits what was recorded, then lets the replies go. Waits while the peer is slow to read. */
  async flush(): Promise<void> {
    await this.commit();
    if (this.#replies.length === 0) return;
    let room = true;
    for (const piece of this.#replies) room = this.#channel.write(piece);
    this.#forgetReplies();
    if (!room) await this.#allowance.spend(this.#channel.drained());
  }

  async commit(): Promise<void> {
    if (this.#hasFailed || this.store === undefined) return;
    // What was begun is over also where nothing came of it: nobody may wait for it any longer.
    if (this.#changes.length === 0 && this.#journal.isSettled) return;
    const changes = [...this.#changes, ...this.#journal.settle()];
    this.#changes = [];
    this.#changedNames.clear();
    try {
      await this.store.apply(changes);
    } catch (error) {
      this.#hasFailed = true;
      // They say that something was done, and the peer would forget about it.
      this.#forgetReplies();
      throw error;
    }
    this.#journal.settled();
  }

  #forgetReplies(): void {
    this.#replies = [];
    this.#replyBytes = 0;
  }
}
