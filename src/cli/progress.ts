import { SingleBar } from 'cli-progress';
import { writeFully } from '../log/writeFully.ts';
import type { Change } from '../store/store.ts';
import type { Channel } from '../transport/channel.ts';
import type { StoreObserver } from './observedStore.ts';
import { type Pace, progressLine, size } from './progressText.ts';

/** Milliseconds. What is over before that needs no line. */
const quietFor = 300;
/** Milliseconds that each of several peers is shown for where not all have room. */
const turn = 2000;

/** One line on the terminal that tells how far a run is. Messages go through `clear` first, and it comes back below them. */
export class Progress implements StoreObserver {
  readonly #line = new TerminalLine();
  readonly #bar: SingleBar;
  readonly #begun = performance.now();
  /** What is under way, by its label. */
  readonly #tasks = new Map<string, Task>();
  /** Whom file rows are read for. */
  #reading: Task | undefined;
  #recorded = 0;
  #stopped = false;

  constructor() {
    const options = {
      terminal: this.#line,
      format: () => this.#text(),
      fps: 5,
      forceRedraw: true,
      clearOnComplete: true,
    };
    this.#bar = new SingleBar(options);
    this.#bar.start(1, 0);
  }

  /** The disk is compared with so many file rows; undefined: nobody has counted them. */
  checks(rows: number | undefined): void {
    this.#reading = this.#start(checkLabel, true);
    this.#reading.of = rows;
  }

  /** The file rows, so many, are compared with those of a peer. */
  compares(peer: string, rows: number | undefined): void {
    this.#reading = this.#start(peer);
    this.#reading.of = rows;
  }

  /**
   * So many files wait to be sent to a peer now; those that are done with do not count. `unanswered`: bytes on their way,
   * most of which the system keeps for a slow peer.
   */
  sends(peer: string, waiting: number, unanswered: () => number): void {
    const task = this.#tasks.get(peer) ?? this.#start(peer);
    task.unanswered = unanswered;
    task.of = task.done + waiting;
  }

  sent(peer: string): void {
    this.#tasks.get(peer)?.advance(1);
  }

  ends(label: string = checkLabel): void {
    if (this.#tasks.get(label) === this.#reading) this.#reading = undefined;
    this.#tasks.delete(label);
  }

  /** Over this channel a peer is talked to. */
  connected(peer: string, channel: Channel): void {
    const task = this.#tasks.get(peer);
    if (task !== undefined) task.channel ??= channel;
  }

  read(rows: number): void {
    this.#reading?.advance(rows);
  }

  changed(changes: readonly Change[]): void {
    const recorded = changes.filter(({ type }) => type === 'putFile' || type === 'dropFile').length;
    this.#recorded += recorded;
    // Where there are no rows to compare with, what is new is all there is to count.
    if (this.#reading?.of === undefined) this.#reading?.advance(recorded);
  }

  clear(): void {
    this.#line.clearLine();
  }

  /** Nothing is shown any more. */
  stop(): void {
    this.#stopped = true;
    this.#bar.stop();
  }

  #start(label: string, isCheck = false): Task {
    const task = new Task(label, isCheck);
    this.#tasks.set(label, task);
    return task;
  }

  #text(): string {
    const now = performance.now();
    if (this.#stopped || now - this.#begun < quietFor) return '';
    const paces = [...this.#tasks.values()].map((task) => task.pace(now, this.#recorded));
    return progressLine(paces, this.#line.getWidth() - 1, Math.floor(now / turn));
  }
}

const checkLabel = 'check';

/** Milliseconds over which a rate is taken, and between two looks at it. */
const rateSpan = 5000;
const rateStep = 500;

interface Look {
  readonly at: number;
  readonly amount: number;
}

class Task {
  readonly #label: string;
  readonly #isCheck: boolean;
  readonly #begun = performance.now();
  #done = 0;
  of: number | undefined;
  channel: Channel | undefined;
  unanswered = (): number => 0;
  #looks: Look[] = [{ at: this.#begun, amount: 0 }];

  constructor(label: string, isCheck: boolean) {
    this.#label = label;
    this.#isCheck = isCheck;
  }

  get done(): number {
    return this.#done;
  }

  advance(files: number): void {
    this.#done += files;
  }

  pace(now: number, recorded: number): Pace {
    const done = this.of === undefined ? this.#done : Math.min(this.#done, this.of);
    const left = this.of === undefined || done === 0 ? undefined : this.of - done;
    const secondsLeft = left === undefined ? undefined : ((now - this.#begun) / done / 1000) * left;
    const facts = this.#isCheck ? this.#checkFacts(now, recorded) : this.#peerFacts(now);
    return { label: this.#label, done, of: this.of, facts, secondsLeft };
  }

  #checkFacts(now: number, recorded: number): Pace['facts'] {
    const rate = `${this.#rate(now, this.#done).toFixed(0)} files/s`;
    const changed = `${recorded} changed`;
    return [
      { long: changed, short: changed },
      { long: rate, short: rate },
    ];
  }

  #peerFacts(now: number): Pace['facts'] {
    const bytes = Math.max(0, (this.channel?.traffic ?? 0) - this.unanswered());
    const rate = size(this.#rate(now, bytes));
    return [size(bytes), { long: `${rate.long}/s`, short: `${rate.short}/s` }];
  }

  /** A second, in the last few. */
  #rate(now: number, amount: number): number {
    const last = this.#looks[this.#looks.length - 1];
    if (last === undefined || now - last.at >= rateStep) this.#looks.push({ at: now, amount });
    while (this.#looks.length > 2 && now - (this.#looks[0] as Look).at > rateSpan) this.#looks.shift();
    const { at, amount: before } = this.#looks[0] as Look;
    return now > at ? ((amount - before) / (now - at)) * 1000 : 0;
  }
}

/**
 * The terminal as the library sees it. Its own one switches line wrapping off, which stays off when the process is killed,
 * and at the end goes back to where the cursor was, whatever has been written since.
 */
class TerminalLine {
  #shown = false;

  isTTY(): boolean {
    return true;
  }

  getWidth(): number {
    return process.stderr.columns > 0 ? process.stderr.columns : 80;
  }

  write(line: string): void {
    if (line === '') this.clearLine();
    else this.#put(`\r${line}\x1b[K`);
    this.#shown = line !== '';
  }

  clearLine(): void {
    if (this.#shown) this.#put('\r\x1b[K');
    this.#shown = false;
  }

  #put(text: string): void {
    try {
      writeFully(2, text);
    } catch {
      // The terminal is gone. The work itself goes on.
    }
  }

  /** What comes with `write`. */
  cursorTo(): void {}
  clearRight(): void {}

  /** What is left as it is. */
  cursor(): void {}
  cursorSave(): void {}
  cursorRestore(): void {}
  lineWrapping(): void {}
}
