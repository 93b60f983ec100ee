import { readFileSync } from 'node:fs';

/** What the WASM modules export; assembly/index.ts is the other side of it. Numbers are addresses and byte counts. */
interface Exports {
  sign(source: number, bytes: number, blockLength: number, strongLength: number, records: number): void;
  prepare(count: number, blockLength: number, strongLength: number, table: number, slotBits: number): void;
  begin(): void;
  scan(source: number, length: number): number;
  matchTail(source: number, length: number): number;
  readonly runCount: { readonly value: number };
  readonly MAX_RUNS: { readonly value: number };
  readonly RECORDS: { readonly value: number };
  readonly RUNS: { readonly value: number };
  readonly SIGNATURE: { readonly value: number };
  readonly WINDOW: { readonly value: number };
  readonly WINDOW_BYTES: { readonly value: number };
}

/** The few parts of the engine's WebAssembly interface that are used here; Node's type package leaves them out. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number }) => Memory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  readonly CompileError: new () => Error;
};

export type Variant = 'simd' | 'scalar';

/** As assembled with `--initialMemory`. */
const INITIAL_PAGES = 256;
const PAGE = 65536;

const compiled = new Map<Variant, object>();
let preferred: Variant = 'simd';

/** Makes kernels of this variant from now on: for tests, and to compare the two. */
export function preferVariant(variant: Variant): void {
  preferred = variant;
  idle.length = 0;
}

function load(variant: Variant): object {
  let module = compiled.get(variant);
  if (module === undefined) {
    module = new WebAssembly.Module(readFileSync(new URL(`./librsync-${variant}.wasm`, import.meta.url)));
    compiled.set(variant, module);
  }
  return module;
}

/** The module with vectors, or where the engine or the processor has none, the one without. */
function pickModule(): object {
  try {
    return load(preferred);
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    preferred = 'scalar';
    return load(preferred);
  }
}

/** One WASM instance with its memory: a window of file bytes, results, and possibly a signature to compare with. */
export class Kernel {
  readonly exports: Exports;
  /** Address of the bytes to work on, and how many there may be at once. */
  readonly window: number;
  readonly windowBytes: number;
  /** Address of the records that `sign` makes. */
  readonly records: number;
  /** Address of the records to compare with. */
  readonly signature: number;
  /** The whole memory; another object after `reserve`. */
  bytes: Buffer;
  words: Uint32Array;
  readonly #memory: Memory;

  constructor() {
    this.#memory = new WebAssembly.Memory({ initial: INITIAL_PAGES });
    const instance = new WebAssembly.Instance(pickModule(), { env: { memory: this.#memory } });
    this.exports = instance.exports as Exports;
    this.window = this.exports.WINDOW.value;
    this.windowBytes = this.exports.WINDOW_BYTES.value;
    this.records = this.exports.RECORDS.value;
    this.signature = this.exports.SIGNATURE.value;
    this.bytes = Buffer.from(this.#memory.buffer);
    this.words = new Uint32Array(this.#memory.buffer);
  }

  get memoryBytes(): number {
    return this.bytes.length;
  }

  /** Makes the memory at least `bytes` long. */
  reserve(bytes: number): void {
    if (bytes <= this.bytes.length) return;
    this.#memory.grow(Math.ceil((bytes - this.bytes.length) / PAGE));
    this.bytes = Buffer.from(this.#memory.buffer);
    this.words = new Uint32Array(this.#memory.buffer);
  }

  /** Indexes the records at `signature`, behind which the hash table goes. */
  prepare(count: number, blockLength: number, strongLength: number): void {
    const end = this.signature + count * (4 + strongLength);
    const table = Math.ceil(end / 16) * 16;
    let slotBits = 8;
    while (2 ** slotBits * 3 < count * 4) slotBits++;
    this.reserve(table + 4 * 2 ** slotBits);
    this.exports.prepare(count, blockLength, strongLength, table, slotBits);
  }
}

const idle: Kernel[] = [];
const MOST_IDLE = 4;
/** A kernel that a large signature made larger than this is not kept. */
const LARGEST_IDLE = 32 * 1024 * 1024;

/** A kernel for one piece of work, to be given back with `releaseKernel`. What is in its memory is left over. */
export function takeKernel(): Kernel {
  return idle.pop() ?? new Kernel();
}

export function releaseKernel(kernel: Kernel): void {
  if (idle.length < MOST_IDLE && kernel.memoryBytes <= LARGEST_IDLE) idle.push(kernel);
}
