import type { Encoded } from '../bytes/bytes.ts';
import { rowAt, sameRows } from '../store/rowLines.ts';

export interface Row {
  readonly name: Encoded;
  readonly checktxt: Encoded;
}

/** Goes through an ordered range of file rows, in leaps where they are as expected; waits only between pages. */
export class RowReader {
  readonly #pages: AsyncIterator<string>;
  #lines = '';
  #at = 0;
  #row: (Row & { readonly end: number }) | undefined;

  constructor(pages: AsyncIterable<string>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** This page is used up: `nextPage` is due. */
  get isUsedUp(): boolean {
    return this.#at === this.#lines.length;
  }

  /** False when there are no more rows. */
  async nextPage(): Promise<boolean> {
    const next = await this.#pages.next();
    this.#lines = next.done === true ? '' : next.value;
    this.#at = 0;
    this.#row = undefined;
    return next.done !== true;
  }

  /** Passes the rows of this page that `lines` has from `start` on as well; returns the length of these. */
  skipSame(lines: string, start: number): number {
    const length = sameRows(lines, start, this.#lines, this.#at);
    if (length > 0) this.#row = undefined;
    this.#at += length;
    return length;
  }

  /** The row at hand; undefined when this page is used up. */
  get row(): Row | undefined {
    if (this.#row !== undefined || this.isUsedUp) return this.#row;
    const { tab, end } = rowAt(this.#lines, this.#at);
    const name = this.#lines.slice(this.#at, tab) as Encoded;
    this.#row = { name, checktxt: this.#lines.slice(tab + 1, end) as Encoded, end };
    return this.#row;
  }

  /** Passes the row at hand. */
  step(): void {
    if (this.row === undefined || this.#row === undefined) return;
    this.#at = this.#row.end + 1;
    this.#row = undefined;
  }

  async close(): Promise<void> {
    await this.#pages.return?.();
  }
}
