import { SingleBar } from 'cli-progress';
import { writeFully } from '../log/writeFully.ts';
import type { Change } from '../store/store.ts';
import type { StoreObserver } from './observedStore.ts';

/** One line on the terminal that tells how far a run is. Messages go through `clear` first, and it comes back below them. */
export class Progress implements StoreObserver {
  readonly #bar: SingleBar;
  #read = 0;
  #recorded = 0;
  #sent = 0;
  #toSend = 0;

  constructor(stream: NodeJS.WritableStream) {
    this.#bar = new SingleBar({
      stream,
      format: '{what}',
      fps: 5,
      clearOnComplete: true,
      hideCursor: null,
      stopOnComplete: false,
    });
    this.#bar.start(1, 0, { what: '' });
  }

  read(rows: number): void {
    this.#read += rows;
    this.#show();
  }

  changed(changes: readonly Change[]): void {
    for (const { type } of changes) {
      if (type === 'putFile' || type === 'dropFile') this.#recorded += 1;
      else if (type === 'markDirty') this.#toSend += 1;
      else if (type === 'clearDirty') this.#sent += 1;
    }
    this.#show();
  }

  /** There was something to send before this run. */
  waiting(rows: number): void {
    this.#toSend += rows;
    this.#show();
  }

  clear(): void {
    writeFully(2, '\r\x1b[K');
  }

  stop(): void {
    this.#bar.stop();
    this.clear();
  }

  #show(): void {
    const parts = [`${this.#read} files compared`];
    if (this.#recorded > 0) parts.push(`${this.#recorded} changed`);
    if (this.#toSend > 0) parts.push(`${Math.min(this.#sent, this.#toSend)} of ${this.#toSend} sent`);
    this.#bar.update(0, { what: parts.join(', ') });
  }
}
