import { type FileRow, rowAt, sameRows, strayRow } from './rowLines.ts';

/** Goes through an ordered range of file rows, in leaps where they are as expected; waits only between pages. */
export class RowReader {
  readonly #pages: AsyncIterator<string>;
  readonly #stray: (line: string) => Error;
  #lines = '';
  #at = 0;
  #isOver = false;
  #row: (FileRow & { readonly next: number }) | undefined;

  /** `stray` makes the error for a line that is no row. */
  constructor(pages: AsyncIterable<string>, stray: (line: string) => Error = strayRow) {
    this.#pages = pages[Symbol.asyncIterator]();
    this.#stray = stray;
  }

  /** This page is used up: `nextPage` is due. */
  get isUsedUp(): boolean {
    return this.#at === this.#lines.length;
  }

  /** There are no more pages. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** False when there are no more rows. */
  async nextPage(): Promise<boolean> {
    if (this.#isOver) return false;
    const next = await this.#pages.next();
    this.#isOver = next.done === true;
    this.#lines = next.done === true ? '' : next.value;
    this.#at = 0;
    this.#row = undefined;
    return !this.#isOver;
  }

  /** True when there is a row at hand, after waiting for one if need be. */
  async fill(): Promise<boolean> {
    while (this.isUsedUp && (await this.nextPage()));
    return !this.isUsedUp;
  }

  /** Passes the rows that both have at hand, as far as they are the same. */
  skipCommon(other: RowReader): void {
    other.skip(this.skipSame(other.#lines, other.#at));
  }

  private skip(length: number): void {
    this.#at += length;
    this.#row = undefined;
  }

  /** Passes the rows of this page that `lines` has from `start` on as well; returns the length of these. */
  skipSame(lines: string, start: number): number {
    const length = sameRows(lines, start, this.#lines, this.#at);
    if (length > 0) this.#row = undefined;
    this.#at += length;
    return length;
  }

  /** The row at hand; undefined when this page is used up. */
  get row(): FileRow | undefined {
    if (this.#row !== undefined || this.isUsedUp) return this.#row;
    return (this.#row = rowAt(this.#lines, this.#at, this.#stray));
  }

  /** Passes the row at hand. */
  step(): void {
    if (this.row === undefined || this.#row === undefined) return;
    this.#at = this.#row.next;
    this.#row = undefined;
  }

  async close(): Promise<void> {
    await this.#pages.return?.();
  }
}
