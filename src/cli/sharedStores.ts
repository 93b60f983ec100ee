import type { Store } from '../store/store.ts';

interface Shared {
  readonly store: Promise<Store>;
  /** Which database it is, and what is there now. */
  identity: string;
  users: number;
}

/** How a database is opened, and told from another one that may have taken its place. */
export interface Source {
  readonly identify: () => string;
  readonly open: () => Promise<Store>;
}

/**
 * The databases that the sessions of a daemon use, each opened once and closed when its last session has ended. Where another
 * one stands in the configuration or in the same place by now, those that begin later use that.
 */
export class SharedStores {
  readonly #open = new Map<string, Shared>();

  async open(
    name: string,
    { identify, open }: Source,
  ): Promise<{ readonly store: Store; readonly release: () => Promise<void> }> {
    const identity = identify();
    const known = this.#open.get(name);
    const shared = known?.identity === identity ? known : { store: open(), identity, users: 0 };
    this.#open.set(name, shared);
    shared.users += 1;
    const release = async (): Promise<void> => {
      shared.users -= 1;
      if (shared.users > 0) return;
      this.#forget(name, shared);
      await (await shared.store).close();
    };
    try {
      const store = await shared.store;
      // It may have been made only now.
      if (shared !== known) shared.identity = identify();
      return { store, release };
    } catch (error) {
      this.#forget(name, shared);
      throw error;
    }
  }

  #forget(name: string, shared: Shared): void {
    if (this.#open.get(name) === shared) this.#open.delete(name);
  }
}
