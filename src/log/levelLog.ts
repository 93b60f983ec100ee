import type { BranchingLog, Level, Sink } from './log.ts';
import { printable } from './printable.ts';

/** A log that passes messages up to `level` on to `sink`. Errors always pass. */
export function createLog(level: number, sink: Sink, prefix = ''): BranchingLog {
  return new LevelLog(level, sink, prefix);
}

/** What the lines of a serving process begin with: `<4711> `. */
export function pidPrefix(pid: number = process.pid): string {
  return `<${pid}> `;
}

class LevelLog implements BranchingLog {
  readonly level: number;
  errors = 0;
  readonly #sink: Sink;
  readonly #prefix: string;

  constructor(level: number, sink: Sink, prefix: string) {
    this.level = level;
    this.#sink = sink;
    this.#prefix = prefix;
  }

  wants(level: Level): boolean {
    return level <= this.level;
  }

  write(level: Level, message: string): void {
    if (level <= this.level) this.#say(level, message);
  }

  error(message: string): void {
    this.errors++;
    this.#say(0, message);
  }

  /** A line with a prefix stands among those of others: it stays one line, whatever names it tells of. */
  #say(level: Level, message: string): void {
    this.#sink.write(level, this.#prefix, this.#prefix === '' ? message : printable(message));
  }

  child(prefix: string): BranchingLog {
    return new LevelLog(this.level, this.#sink, prefix);
  }
}
