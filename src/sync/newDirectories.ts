import type { FileName } from '../bytes/bytes.ts';

/**
 * The directories that this run has made on the peer, as far as they still matter. Files come in byte order, so only
 * those directories are kept below which something can still come: memory is bounded by the depth of the tree.
 */
export class NewDirectories {
  #made: FileName[] = [];

  add(name: FileName): void {
    this.#made.push(name);
  }

  /** True when the peer cannot have anything at `name` because its directory was made in this run. */
  holds(name: FileName): boolean {
    this.#made = this.#made.filter((directory) => name < directory + '0');
    return this.#made.some((directory) => name.startsWith(directory + '/'));
  }
}
