import type { Encoded } from '../bytes/bytes.ts';
import type { FilePage } from '../store/store.ts';

/** Reads an ordered range of file rows one by one; waits only between pages. */
export class RowCursor {
  readonly #pages: AsyncIterator<FilePage>;
  #page: FilePage = { names: [], checktxts: [] };
  #index = 0;
  /** The row at hand; undefined when there are no more. */
  name: Encoded | undefined;
  checktxt: Encoded | undefined;

  constructor(pages: AsyncIterable<FilePage>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  start(): Promise<void> {
    return this.nextPage();
  }

  /** Goes to the next row of this page; false when the page is used up and `nextPage` is due. */
  step(): boolean {
    this.#index += 1;
    return this.#show();
  }

  async nextPage(): Promise<void> {
    do {
      const next = await this.#pages.next();
      if (next.done === true) {
        this.name = undefined;
        this.checktxt = undefined;
        return;
      }
      this.#page = next.value;
      this.#index = 0;
    } while (!this.#show());
  }

  async close(): Promise<void> {
    await this.#pages.return?.();
  }

  #show(): boolean {
    this.name = this.#page.names[this.#index];
    this.checktxt = this.#page.checktxts[this.#index];
    return this.name !== undefined;
  }
}
