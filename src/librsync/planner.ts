import { setImmediate } from 'node:timers/promises';
import { DeltaPlan } from './delta.ts';
import { LibrsyncError } from './errors.ts';
import { checkSize } from './format.ts';
import { releaseKernel, takeKernel, type Kernel } from './kernel.ts';
import { fillWindow } from './signature.ts';
import type { Signature } from './signatureReader.ts';

/** Bytes of the new file that are read in one go. */
const STEP = 512 * 1024;
/** Words of a run in the kernel's memory: position, first block, number of blocks. */
const RUN_WORDS = 3;
/** Milliseconds of work after which others get their turn. */
const TURN = 8;

/** Compares a new file with an indexed signature, window by window. */
class Comparison {
  readonly plan = new DeltaPlan();
  readonly #kernel: Kernel;
  readonly #blockLength: number;
  readonly #blockCount: number;
  readonly #fd: number;
  readonly #size: number;
  #position = 0;
  /** Bytes at the start of the window that the last step left undecided. */
  #carried = 0;

  constructor(kernel: Kernel, signature: Signature, fd: number, size: number) {
    this.#kernel = kernel;
    this.#blockLength = signature.blockLength;
    this.#blockCount = signature.blockCount;
    this.#fd = fd;
    this.#size = size;
    kernel.exports.begin();
  }

  /** Works through the next window; false when that was the last. */
  step(): boolean {
    const kernel = this.#kernel;
    const wanted = Math.min(STEP, this.#size - this.#position);
    const got = fillWindow(kernel, this.#carried, this.#fd, this.#position, wanted);
    if (got < wanted) throw new LibrsyncError('CHANGED', `file ends at ${this.#position + got}: it became shorter`);
    this.#position += got;
    const bytes = this.#carried + got;
    const done = this.#scan(bytes);
    if (this.#position === this.#size) {
      this.#finish(done, bytes - done);
      return false;
    }
    kernel.bytes.copyWithin(kernel.window, kernel.window + done, kernel.window + bytes);
    this.#carried = bytes - done;
    return true;
  }

  /** Plans what the window's first `bytes` bytes decide, and returns how many of them that is. */
  #scan(bytes: number): number {
    const { exports, window } = this.#kernel;
    const full = exports.MAX_RUNS.value;
    let done = 0;
    for (;;) {
      const consumed = exports.scan(window + done, bytes - done);
      const runs = exports.runCount.value;
      this.#addRuns(runs, consumed);
      done += consumed;
      if (runs < full) return done;
    }
  }

  /** Adds the kernel's runs, and literals where they leave gaps in the `consumed` bytes. */
  #addRuns(runs: number, consumed: number): void {
    const { words, exports } = this.#kernel;
    let at = exports.RUNS.value / 4;
    let planned = 0;
    for (let i = 0; i < runs; i++, at += RUN_WORDS) {
      const position = words[at] as number;
      const length = (words[at + 2] as number) * this.#blockLength;
      this.plan.addLiteral(position - planned);
      this.plan.addCopy((words[at + 1] as number) * this.#blockLength, length);
      planned = position + length;
    }
    this.plan.addLiteral(consumed - planned);
  }

  #finish(done: number, rest: number): void {
    const matching = this.#kernel.exports.matchTail(this.#kernel.window + done, rest);
    this.plan.addLiteral(rest - matching);
    this.plan.addCopy((this.#blockCount - 1) * this.#blockLength, matching);
  }
}

/** A kernel with the signature indexed: its own, or one from the pool. */
function acquire(signature: Signature): Kernel {
  const { records } = signature;
  if (signature.busy) throw new LibrsyncError('RANGE', 'a signature serves one delta at a time');
  signature.busy = true;
  if (records.kernel !== undefined) {
    if (!signature.indexed) records.kernel.prepare(signature.blockCount, signature.blockLength, signature.strongLength);
    signature.indexed = true;
    return records.kernel;
  }
  const kernel = takeKernel();
  kernel.reserve(kernel.signature + records.bytes.length);
  kernel.bytes.set(records.bytes, kernel.signature);
  kernel.prepare(signature.blockCount, signature.blockLength, signature.strongLength);
  return kernel;
}

function release(signature: Signature, kernel: Kernel): void {
  signature.busy = false;
  if (signature.records.kernel === undefined) releaseKernel(kernel);
}

/** Without blocks to compare with, or without a file to read, there is nothing to look for. */
function trivialPlan(signature: Signature, size: number): DeltaPlan | undefined {
  checkSize(size);
  if (signature.blockCount > 0 && size > 0) return undefined;
  const plan = new DeltaPlan();
  plan.addLiteral(size);
  return plan;
}

/**
 * Plans the delta that makes the file open at `fd`, of `size` bytes, out of what `signature` was made of. Gives way to
 * other work every few milliseconds. One plan at a time for a signature.
 * @throws LibrsyncError CHANGED when the file is shorter than `size`; system errors of reading.
 */
export async function planDelta(signature: Signature, fd: number, size: number): Promise<DeltaPlan> {
  const trivial = trivialPlan(signature, size);
  if (trivial !== undefined) return trivial;
  const kernel = acquire(signature);
  try {
    const comparison = new Comparison(kernel, signature, fd, size);
    for (let started = performance.now(); comparison.step();) {
      if (performance.now() - started < TURN) continue;
      await setImmediate();
      started = performance.now();
    }
    return comparison.plan;
  } finally {
    release(signature, kernel);
  }
}

/** Like `planDelta`, synchronously: for small files. */
export function planDeltaSync(signature: Signature, fd: number, size: number): DeltaPlan {
  const trivial = trivialPlan(signature, size);
  if (trivial !== undefined) return trivial;
  const kernel = acquire(signature);
  try {
    const comparison = new Comparison(kernel, signature, fd, size);
    while (comparison.step());
    return comparison.plan;
  } finally {
    release(signature, kernel);
  }
}

/** The delta of a small file as one buffer. @throws like `planDelta`. */
export function deltaFile(signature: Signature, fd: number, size: number): Uint8Array {
  return planDeltaSync(signature, fd, size).toBytes(fd);
}
