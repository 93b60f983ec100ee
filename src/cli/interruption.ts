import { setMaxListeners } from 'node:events';
import type { Log } from '../log/log.ts';

const signals = ['SIGTERM', 'SIGINT'] as const;
type StopSignal = (typeof signals)[number];

/** The run was asked to end, and has not done all of its work. */
export class InterruptedError extends Error {
  readonly code = 'INTERRUPTED';
  readonly signal: StopSignal;
  constructor(signal: StopSignal) {
    super(`Interrupted by ${signal}.`);
    this.name = 'InterruptedError';
    this.signal = signal;
  }
}

/** How a run learns that it is to end. The reason of both is an InterruptedError. */
export interface Stop {
  /** Begin nothing more; what is under way is finished. */
  readonly asked: AbortSignal;
  /** That takes too long: connections are dropped, so that peers undo what they have half of. */
  readonly now: AbortSignal;
}

export const neverStops: Stop = { asked: new AbortController().signal, now: new AbortController().signal };

/** Seconds between the one and the other. */
const patience = 5;

/** Does work that ends early at SIGTERM or SIGINT; the second of them ends the process at once. */
export async function interruptible<Result>(log: Log, work: (stop: Stop) => Promise<Result>): Promise<Result> {
  const asked = new AbortController();
  const now = new AbortController();
  // One for each peer.
  setMaxListeners(0, asked.signal, now.signal);
  let timer: NodeJS.Timeout | undefined;
  const onSignal = (signal: StopSignal): void => {
    if (asked.signal.aborted) return dieBy(signal);
    const error = new InterruptedError(signal);
    log.write(0, `${error.message} What is under way is finished first; once more ends at once.`);
    timer = setTimeout(() => now.abort(error), patience * 1000);
    asked.abort(error);
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    return await work({ asked: asked.signal, now: now.signal });
  } finally {
    clearTimeout(timer);
    for (const signal of signals) process.off(signal, onSignal);
  }
}

/** Ends this process as the signal would have done, which is what a shell wants to see. */
export function dieBy(signal: StopSignal): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
