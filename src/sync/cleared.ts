import type { Encoded } from '../bytes/bytes.ts';
import { type Change, type DirtyRow, exactly, type Store } from '../store/store.ts';

/**
 * Dirty rows that are done with, forgotten in batches. A row whose file was recorded anew since it was read stays: that
 * change has not been sent. A crash before a batch costs one more SIG a file, no more.
 */
export class Cleared {
  readonly #store: Store;
  readonly #onDone: () => void;
  #rows: DirtyRow[] = [];

  /** `onDone` is called for each row, at once. */
  constructor(store: Store, onDone: () => void) {
    this.#store = store;
    this.#onDone = onDone;
  }

  async done(row: DirtyRow): Promise<void> {
    this.add(row);
    if (this.isDue) await this.flush();
  }

  /** The same without writing anything yet. */
  add(row: DirtyRow): void {
    this.#rows.push(row);
    this.#onDone();
  }

  /** Enough has come together to be written. */
  get isDue(): boolean {
    return this.#rows.length >= batchSize;
  }

  async flush(): Promise<void> {
    if (this.#rows.length === 0) return;
    const rows = this.#rows;
    this.#rows = [];
    await this.#store.apply(
      rows.map(({ name, peer, checktxt }) => ({ type: 'clearDirty', name, peer, ifFile: checktxt ?? null })),
    );
    await this.#markOvertaken(rows);
  }

  /**
   * While a file was on its way, another host may have overruled us and taken our dirty rows with it: then the peer has
   * what we had, and is to get what we have now.
   */
  async #markOvertaken(rows: readonly DirtyRow[]): Promise<void> {
    const now = await this.#store.fileRows(rows.map(({ name }) => name));
    const changes: Change[] = [];
    for (const { name, peer, myname, checktxt } of rows) {
      if (now.get(name) === checktxt || (await this.#isDirty(name, peer))) continue;
      changes.push({ type: 'markDirty', name, peer, myname, forced: false });
    }
    if (changes.length > 0) await this.#store.apply(changes);
  }

  async #isDirty(name: Encoded, peer: Encoded): Promise<boolean> {
    for await (const rows of this.#store.dirty({ range: exactly(name), peer })) if (rows.length > 0) return true;
    return false;
  }
}

const batchSize = 500;
