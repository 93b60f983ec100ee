import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { Range, RangeAnswer } from './signatureWorker.ts';

/** Milliseconds after which threads without work end. */
const IDLE = 5000;

interface Waiting {
  resolve(records: Buffer): void;
  reject(error: unknown): void;
}

/** One thread and who waits for its answers, in order. Keeps the process alive only while somebody waits. */
class Hasher {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  broken = false;
  /** Has answered once: it has come up, which takes some 30 ms. */
  up = false;

  constructor() {
    // Threads run no TypeScript on every Node: the build makes one file of the worker, and puts it beside the bundle.
    const file = import.meta.url.endsWith('.cjs') ? './librsync-worker.mjs' : './librsync-worker.generated.js';
    this.#worker = new Worker(new URL(file, import.meta.url), { env: SHARE_ENV, execArgv: [] });
    this.#worker.unref();
    this.#worker.on('message', (answer: RangeAnswer) => {
      this.up = true;
      const waiting = this.#waiting.shift();
      if (this.#waiting.length === 0) this.#worker.unref();
      if ('records' in answer) waiting?.resolve(Buffer.from(answer.records, 0, answer.length));
      else waiting?.reject(Object.assign(new Error(answer.message), { code: answer.code, syscall: answer.syscall }));
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`signature thread ended (${code})`)));
  }

  get load(): number {
    return this.#waiting.length;
  }

  run(range: Range): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) this.#worker.ref();
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(range);
    });
  }

  end(): void {
    this.broken = true;
    void this.#worker.terminate();
  }

  #fail(error: unknown): void {
    this.broken = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}

let hashers: Hasher[] = [];
let idleTimer: NodeJS.Timeout | undefined;

function endIdle(): void {
  idleTimer = undefined;
  const busy = hashers.filter((hasher) => hasher.load > 0);
  for (const hasher of hashers) if (hasher.load === 0) hasher.end();
  hashers = busy;
  if (busy.length > 0) watchIdle();
}

function watchIdle(): void {
  if (idleTimer !== undefined) idleTimer.refresh();
  else idleTimer = setTimeout(endIdle, IDLE).unref();
}

/** The records of a range, made by the least busy of at most `threads` threads. */
export function hashInThread(range: Range, threads: number): Promise<Buffer> {
  hashers = hashers.filter((hasher) => !hasher.broken);
  watchIdle();
  let chosen: Hasher | undefined;
  for (const hasher of hashers.slice(0, threads)) {
    if (chosen === undefined || hasher.load < chosen.load) chosen = hasher;
  }
  if (chosen === undefined || (chosen.load > 0 && hashers.length < threads)) {
    chosen = new Hasher();
    hashers.push(chosen);
  }
  return chosen.run(range);
}

/** Whether threads have come up that answer right away. */
export function threadsAreUp(): boolean {
  return hashers.some((hasher) => hasher.up && !hasher.broken);
}
