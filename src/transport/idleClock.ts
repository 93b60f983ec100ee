/** Notices when we have waited for the other side for too long. */
export class IdleClock {
  readonly #isWaiting: () => boolean;
  readonly #onIdle: (seconds: number) => void;
  #seconds = 0;
  #last = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `isWaiting`: time counts only while this holds. `onIdle` is called once. */
  constructor(isWaiting: () => boolean, onIdle: (seconds: number) => void) {
    this.#isWaiting = isWaiting;
    this.#onIdle = onIdle;
  }

  /** 0 stops the clock. */
  set(seconds: number): void {
    this.stop();
    this.#seconds = seconds;
    this.touch();
    if (seconds > 0) this.#sleep(seconds * 1000);
  }

  get running(): boolean {
    return this.#timer !== undefined;
  }

  /** Something happened, or waiting has begun. */
  touch(): void {
    if (this.#seconds > 0) this.#last = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #sleep(milliseconds: number): void {
    // Timers may fire a little early; a floor keeps the last stretch from becoming a spin.
    this.#timer = setTimeout(this.#look, Math.max(5, Math.ceil(milliseconds))).unref();
  }

  readonly #look = (): void => {
    const limit = this.#seconds * 1000;
    const idle = this.#isWaiting() ? performance.now() - this.#last : 0;
    if (idle < limit) {
      this.#sleep(limit - idle);
      return;
    }
    this.#timer = undefined;
    this.#onIdle(this.#seconds);
  };
}
