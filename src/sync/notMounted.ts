import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';

/**
 * The files that a peer refuses because it has lost their file system. There may be as many as are on a disk, so one of them
 * is an error, and the others are a number.
 */
export class NotMounted {
  readonly #log: Log;
  readonly #peer: string;
  #files = 0;
  #isTold = false;

  constructor(log: Log, peer: string) {
    this.#log = log;
    this.#peer = peer;
  }

  /** Another file was refused. True for the one that is to be reported. */
  isFirst(): boolean {
    this.#files += 1;
    const isFirst = !this.#isTold;
    this.#isTold = true;
    return isFirst;
  }

  /** The peer is asked about all files once more. */
  restart(): void {
    this.#files = 0;
  }

  /** Nothing more is asked. */
  conclude(): void {
    if (this.#files > 1) this.#log.write(0, messages.notMountedThere(this.#peer, this.#files));
  }
}
