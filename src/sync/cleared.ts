import type { Change, DirtyRow, Store } from '../store/store.ts';

/**
 * Dirty rows that are done with, forgotten in batches. A row whose file was recorded anew since it was read stays: that
 * change has not been sent. A crash before a batch costs one more SIG a file, no more.
 */
export class Cleared {
  readonly #store: Store;
  #changes: Change[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  async done(row: DirtyRow): Promise<void> {
    this.add(row);
    if (this.isDue) await this.flush();
  }

  /** The same without writing anything yet. */
  add(row: DirtyRow): void {
    this.#changes.push({ type: 'clearDirty', name: row.name, peer: row.peer, ifFile: row.checktxt ?? null });
  }

  /** Enough has come together to be written. */
  get isDue(): boolean {
    return this.#changes.length >= batchSize;
  }

  async flush(): Promise<void> {
    if (this.#changes.length === 0) return;
    const changes = this.#changes;
    this.#changes = [];
    await this.#store.apply(changes);
  }
}

const batchSize = 500;
