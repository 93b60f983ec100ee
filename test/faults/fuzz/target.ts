import type { Random } from '../harness/random.ts';

/** Something that reads what others have written. */
export interface Target {
  readonly name: string;
  /** What it gets to read: valid, nearly valid, or noise. */
  input(rng: Random): Buffer;
  /** Reads it. Whatever this throws is a defect: errors that are foreseen have been caught. */
  run(input: Buffer, rng: Random): void;
}

/** What came out, as text that can be compared: the value, or the code of an error of one of these classes. */
export function outcome(work: () => unknown, ...foreseen: readonly (new (...args: never[]) => Error)[]): string {
  try {
    return JSON.stringify(work()) ?? 'nothing';
  } catch (error) {
    if (!foreseen.some((kind) => error instanceof kind)) throw error;
    return `error ${(error as Error & { code: string }).code}`;
  }
}

/** The same bytes in pieces of random sizes, from one byte up. */
export function* pieces(bytes: Buffer, rng: Random): Generator<Buffer> {
  const most = rng.pick([1, 3, 50, 5000]);
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + rng.below(most);
    yield bytes.subarray(at, end);
    at = end;
  }
}
