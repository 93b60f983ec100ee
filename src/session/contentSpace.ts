import { contentLimit } from '../protocol/contentDigest.ts';

/** What one batch of transfers holds at most: it is full at one limit, and the last content may be as long as another. */
const size = 2 * contentLimit;
/** Buffers for the next session that needs one: new memory costs more than the copying into it. */
const spare: Buffer[] = [];
const mostSpare = 2;

/** Where contents that arrive in pieces are put together, until the batch that they belong to has been worked off. */
export class ContentSpace {
  #buffer: Buffer | undefined;
  #used = 0;
  #isFilling = false;

  /** Room for so many bytes, which hold anything: all of it is to be written before `filled`, which must follow. */
  take(length: number): Buffer {
    this.#isFilling = true;
    this.#buffer ??= spare.pop() ?? Buffer.allocUnsafeSlow(size);
    if (this.#used + length > size) return Buffer.allocUnsafe(length);
    const from = this.#used;
    this.#used += length;
    return this.#buffer.subarray(from, this.#used);
  }

  filled(): void {
    this.#isFilling = false;
  }

  /** What has been taken is no longer in use, unless something is still to come into it. */
  release(): void {
    if (this.#isFilling) return;
    if (this.#buffer !== undefined && spare.length < mostSpare) spare.push(this.#buffer);
    this.#buffer = undefined;
    this.#used = 0;
  }
}
