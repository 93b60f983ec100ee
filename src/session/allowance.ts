/** Time that somebody may make us wait, all in all. What we need for work of our own does not count. */
export class Allowance {
  readonly #onSpent: () => void;
  #left: number;

  /** Milliseconds. */
  constructor(time: number, onSpent: () => void) {
    this.#left = time;
    this.#onSpent = onSpent;
  }

  /** Waits; `onSpent` is called as soon as nothing is left. */
  async spend<Result>(waiting: Promise<Result>): Promise<Result> {
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
