/** Time that somebody may make us wait, all in all. What we need for work of our own does not count. */
export class Allowance {
  readonly #onSpent: () => void;
  #left: number;
  #isLifted = false;

  /** Milliseconds. */
  constructor(time: number, onSpent: () => void) {
    this.#left = time;
    this.#onSpent = onSpent;
  }

  /** From now on no wait counts. */
  lift(): void {
    this.#isLifted = true;
  }

  /** Waits; `onSpent` is called as soon as nothing is left. */
  spend<Result>(waiting: Promise<Result>): Promise<Result> {
    return this.#isLifted ? waiting : this.#count(waiting);
  }

  async #count<Result>(waiting: Promise<Result>): Promise<Result> {
    const begun = performance.now();
    const timer = setTimeout(this.#onSpent, Math.max(0, this.#left));
    try {
      return await waiting;
    } finally {
      clearTimeout(timer);
      this.#left -= performance.now() - begun;
    }
  }
}
