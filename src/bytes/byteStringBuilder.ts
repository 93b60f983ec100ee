/**
 * Puts a long byte string together from many short ones. Adding them up as strings would keep every one alive until the whole is
 * looked at, and copy them all then.
 */
export class ByteStringBuilder {
  #bytes = Buffer.allocUnsafeSlow(1 << 18);
  #length = 0;

  add(text: string): void {
    const length = this.#length + text.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(length * 2);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.write(text, this.#length, 'latin1');
    this.#length = length;
  }

  /** What was added since it was last taken. */
  take(): string {
    const text = this.#bytes.toString('latin1', 0, this.#length);
    this.#length = 0;
    return text;
  }
}
