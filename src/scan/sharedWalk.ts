import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { DiskPath, Encoded } from '../bytes/bytes.ts';
import { Problem } from '../filesystem/problem.ts';
import { type Stretch, Walk, type WalkBatch, type WalkFilter } from '../filesystem/walk.ts';
import type { NameRange, Store } from '../store/store.ts';
import type { WalkAnswer, WalkFindings, WalkOrder, WalkTask } from './walkThread.ts';

/** Objects a batch: memory stays bounded. */
export const batchSize = 2048;
/** Rows a stretch. */
const stretchSize = 4096;
/** Rows from which on a thread is worth what its start costs. */
const minimum = 16_384;
/** Batches that wait for their turn, of either side. */
const mostWaiting = 16;

/** A stretch that somebody walks or has walked. */
interface Part {
  readonly stretch: Stretch;
  readonly isOurs: boolean;
  /** What was found and not yet taken. */
  readonly batches: WalkBatch[];
  isBegun: boolean;
  isWalked: boolean;
}

/**
 * A walk over what is below a directory that gives some of it to another thread, where there is much. What the database has
 * there tells where to cut, if it can; every stretch ends where a directory begins or ends.
 */
export class SharedWalk {
  readonly #walk: Walk;
  readonly #helper: Helper | undefined;
  readonly #cuts: Cuts;
  /** In order of names; the first is being taken. */
  readonly #parts: Part[] = [];
  /** Problems, where there are two who may have them. */
  readonly #told = new Set<string>();

  private constructor(walk: Walk, helper: Helper | undefined, cuts: Cuts) {
    this.#walk = walk;
    this.#helper = helper;
    this.#cuts = cuts;
  }

  /** `filter` is what `task.coverage` gives for the directory. `clean` is called with temporary files that are met. */
  static async begin(
    task: Omit<WalkTask, 'limit' | 'ahead'>,
    filter: WalkFilter,
    store: Store,
    range: Required<NameRange>,
    clean: (leftover: DiskPath) => void,
  ): Promise<SharedWalk> {
    const isMuch = availableParallelism() > 1 && (await store.nameAfter(range, minimum)) !== undefined;
    const walk = new Walk(task.path, task.name, filter, { ignored: task.ignored, temporary: clean });
    const helper = isMuch ? Helper.start({ ...task, limit: batchSize, ahead: mostWaiting }, clean) : undefined;
    return new SharedWalk(walk, helper, new Cuts(store, range, helper !== undefined));
  }

  /** Then what `next` gives may have been looked at a while ago. */
  get isShared(): boolean {
    return this.#helper !== undefined;
  }

  /** As `Walk.next`. */
  async next(): Promise<WalkBatch | undefined> {
    for (;;) {
      const head = this.#parts[0] ?? (await this.#claim(true));
      await this.#deal();
      if (head === undefined) return undefined;
      const batch = head.batches.shift();
      if (batch !== undefined) {
        if (!head.isOurs) this.#helper?.mayGoOn();
        return this.#helper === undefined ? batch : { ...batch, problems: this.#untold(batch.problems) };
      }
      if (head.isWalked) {
        this.#parts.shift();
        continue;
      }
      const own = this.#parts.find(({ isOurs, isWalked }) => isOurs && !isWalked) ?? (await this.#claim(true));
      if (head.batches.length > 0 || head.isWalked) continue; // since this thread was at rest
      if (own === undefined || (own !== head && this.#waiting() >= mostWaiting)) await this.#helper?.news();
      else this.#step(own);
      // Answers arrive only while this thread is at rest.
      if (own !== head) await setImmediate();
    }
  }

  async close(): Promise<void> {
    this.#walk.close();
    await this.#helper?.end();
  }

  #step(own: Part): void {
    if (!own.isBegun) this.#walk.goTo(own.stretch);
    own.isBegun = true;
    const batch = this.#walk.next(batchSize);
    if (batch === undefined) own.isWalked = true;
    else own.batches.push(batch);
  }

  /** Both go through the directories above a cut, and have the same trouble there. */
  #untold(problems: readonly Problem[]): Problem[] {
    return problems.filter((problem) => {
      const text = problem.toString();
      if (this.#told.has(text)) return false;
      this.#told.add(text);
      return true;
    });
  }

  /** What we found and nobody has taken. */
  #waiting(): number {
    let batches = 0;
    for (const part of this.#parts) if (part.isOurs) batches += part.batches.length;
    return batches;
  }

  async #claim(isOurs: boolean): Promise<Part | undefined> {
    const stretch = await this.#cuts.next();
    if (stretch === undefined) return undefined;
    const part = { stretch, isOurs, batches: [], isBegun: false, isWalked: false };
    this.#parts.push(part);
    return part;
  }

  /** The other thread, once it is up, always has one stretch to go on with, unless it is far ahead. */
  async #deal(): Promise<void> {
    const helper = this.#helper;
    while (helper?.isUp === true && helper.parts.length < 2 && this.#parts.length < mostWaiting) {
      const part = await this.#claim(false);
      if (part === undefined) return;
      helper.walk(part);
    }
  }
}

/** Where stretches end. */
class Cuts {
  readonly #store: Store;
  readonly #range: Required<NameRange>;
  /** Undefined: all was given out. */
  #from: string | undefined;
  readonly #isCut: boolean;

  constructor(store: Store, range: Required<NameRange>, isCut: boolean) {
    this.#store = store;
    this.#range = range;
    this.#from = range.from;
    this.#isCut = isCut;
  }

  async next(): Promise<Stretch | undefined> {
    const from = this.#from;
    if (from === undefined) return undefined;
    const name = this.#isCut ? await this.#store.nameAfter({ from, to: this.#range.to }, stretchSize) : undefined;
    const to = name === undefined ? undefined : this.#cutBefore(name, from);
    this.#from = to;
    return { from, to };
  }

  /** In front of all that is in the directory of this name; or, when that is before `from`, behind it. */
  #cutBefore(name: Encoded, from: string): string | undefined {
    const directory = name.slice(0, name.lastIndexOf('/') + 1);
    if (from < directory) return directory;
    const end = directory.slice(0, -1) + '0';
    return end < this.#range.to ? end : undefined;
  }
}

/**
 * The thread, and the parts that it has to walk, in order. It may never come up, for lack of descriptors or memory, or as its
 * file is just being replaced: since it has nothing to walk before, nothing is missing then.
 */
class Helper {
  readonly #worker: Worker;
  readonly parts: Part[] = [];
  readonly #clean: (leftover: DiskPath) => void;
  #isUp = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(task: WalkTask, clean: (leftover: DiskPath) => void) {
    this.#clean = clean;
    // Threads run no TypeScript on every Node: the build makes one file of what they run, and puts it beside the bundle.
    const file = import.meta.url.endsWith('.cjs') ? './walk-thread.mjs' : './walk-thread.generated.js';
    this.#worker = new Worker(new URL(file, import.meta.url), { env: SHARE_ENV, execArgv: [], workerData: task });
    this.#worker.on('message', (answer: WalkAnswer) => this.#take(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`the thread that helps with a check ended (${code})`)));
  }

  /** Undefined where no more threads can be had. */
  static start(task: WalkTask, clean: (leftover: DiskPath) => void): Helper | undefined {
    try {
      return new Helper(task, clean);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_INIT_FAILED') return undefined;
      throw error;
    }
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  walk(part: Part): void {
    this.parts.push(part);
    this.#order(part.stretch);
  }

  /** One of its batches was taken. */
  mayGoOn(): void {
    this.#order('more');
  }

  /** Waits until it has found something or ended a part. Fails with what made the thread fail. */
  async news(): Promise<void> {
    if (this.#failure === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#failure !== undefined) throw this.#failure;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #order(order: WalkOrder): void {
    this.#worker.postMessage(order);
  }

  #take(answer: WalkAnswer): void {
    if (answer === 'up') this.#isUp = true;
    else this.#takeFindings(answer);
    this.#wake?.();
  }

  #takeFindings({ batch, leftovers }: WalkFindings): void {
    for (const leftover of leftovers) this.#clean(leftover);
    const part = this.parts[0] as Part;
    if (batch === undefined) {
      part.isWalked = true;
      this.parts.shift();
    } else {
      const problems = batch.problems.map(({ code, path, message }) => new Problem(code, path, message));
      part.batches.push({ ...batch, problems });
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }
}
