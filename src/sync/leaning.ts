/**
 * Whether the peer will have what we are about to send, judged by how the last files went: content is sent without being
 * asked for as long as it is mostly wanted. At first it is taken to be.
 */
export class Leaning {
  #wanted = 1;

  note(wanted: boolean): void {
    this.#wanted += ((wanted ? 1 : 0) - this.#wanted) / memory;
  }

  get expectsToSend(): boolean {
    return this.#wanted >= 0.5;
  }
}

/** Files after which one has mostly been forgotten. */
const memory = 16;
