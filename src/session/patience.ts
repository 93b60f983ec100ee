import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds. A session may have many files to put in place, and backups to make, before it comes to record them. */
const longestWait = 30_000;
const shortestPause = 10;

/**
 * How long a session waits for others: at most so long for one of them, and altogether not longer than everything else takes it.
 * So whoever makes it wait for one file after another cannot hold it up for as long at each.
 */
export class Patience {
  readonly #stopping: AbortSignal;
  readonly #longest: number;
  #left: number;
  /** When the last wait ended. */
  #since = performance.now();

  /** Aborted: nothing is waited for any more. */
  constructor(stopping: AbortSignal, longest = longestWait) {
    this.#stopping = stopping;
    this.#longest = longest;
    this.#left = longest;
  }

  /** Attempts it again and again until it gives something. Undefined: that takes too long. */
  async until<Result>(attempt: () => Promise<Result | undefined>): Promise<Result | undefined> {
    let result = await attempt();
    if (result !== undefined) return result;
    const begin = performance.now();
    const limit = Math.min(this.#longest, this.#left + begin - this.#since);
    let waited = 0;
    while (result === undefined && waited < limit && !this.#stopping.aborted) {
      await this.#pause(Math.max(shortestPause, waited / 10));
      result = await attempt();
      waited = performance.now() - begin;
    }
    this.#left = Math.max(0, limit - waited);
    this.#since = begin + waited;
    return result;
  }

  async #pause(milliseconds: number): Promise<void> {
    try {
      await sleep(milliseconds, undefined, { signal: this.#stopping });
    } catch (error) {
      if (!this.#stopping.aborted) throw error;
    }
  }
}
