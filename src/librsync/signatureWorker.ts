// A worker thread: makes the records of a range of a file at a time. Descriptors belong to the whole process.
import { parentPort } from 'node:worker_threads';
import type { SignatureParameters } from './format.ts';
import { signRange } from './signature.ts';

/** A range of whole blocks (the last of a file may be shorter). */
export interface Range {
  readonly fd: number;
  readonly position: number;
  readonly bytes: number;
  readonly parameters: SignatureParameters;
}

/** The records of a range: fewer bytes than expected when the file ends early. Or why there are none. */
export type RangeAnswer =
  | { readonly records: ArrayBuffer; readonly length: number }
  | { readonly message: string; readonly code: string | undefined; readonly syscall: string | undefined };

parentPort?.on('message', ({ fd, position, bytes, parameters }: Range) => {
  let answer: RangeAnswer;
  try {
    const records = new ArrayBuffer(Math.ceil(bytes / parameters.blockLength) * (4 + parameters.strongLength));
    answer = { records, length: signRange(fd, position, bytes, parameters, Buffer.from(records), 0) };
  } catch (error) {
    // Of an Error, no more than its message would arrive at the other thread.
    const { message, code, syscall } = error as NodeJS.ErrnoException;
    answer = { message, code, syscall };
  }
  parentPort?.postMessage(answer, 'records' in answer ? [answer.records] : []);
});
