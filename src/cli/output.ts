import { writeFully } from '../log/writeFully.ts';

/** Standard output in large pieces: byte strings in, one write for many lines. */
export class Output {
  /** `--json`: lines are JSON objects, see `jsonLine`. */
  readonly json: boolean;
  #pieces: string[] = [];
  #bytes = 0;

  constructor(json = false) {
    this.json = json;
  }

  line(text: string): void {
    this.#pieces.push(text, '\n');
    this.#bytes += text.length + 1;
    if (this.#bytes >= pieceSize) this.flush();
  }

  flush(): void {
    if (this.#bytes === 0) return;
    const bytes = this.#pieces.join('');
    this.#pieces = [];
    this.#bytes = 0;
    writeFully(1, bytes);
  }
}

const pieceSize = 64 << 10;
