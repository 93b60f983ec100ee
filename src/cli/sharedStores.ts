import type { Store } from '../store/store.ts';

interface Shared {
  readonly store: Promise<Store>;
  users: number;
}

/** The databases that the sessions of a daemon use, each opened once and closed when its last session has ended. */
export class SharedStores {
  readonly #open = new Map<string, Shared>();

  async open(
    name: string,
    open: () => Promise<Store>,
  ): Promise<{ readonly store: Store; readonly release: () => Promise<void> }> {
    const shared = this.#open.get(name) ?? { store: open(), users: 0 };
    this.#open.set(name, shared);
    shared.users += 1;
    const release = async (): Promise<void> => {
      shared.users -= 1;
      if (shared.users > 0) return;
      if (this.#open.get(name) === shared) this.#open.delete(name);
      await (await shared.store).close();
    };
    try {
      return { store: await shared.store, release };
    } catch (error) {
      this.#open.delete(name);
      throw error;
    }
  }
}
