// A worker thread: walks some stretches of a tree for the check in the main thread.
import { parentPort, workerData } from 'node:worker_threads';
import type { DiskPath, Encoded, FileName } from '../bytes/bytes.ts';
import { decode } from '../bytes/urlEncoding.ts';
import type { Ignored } from '../entry/entry.ts';
import { type Stretch, Walk, type WalkBatch } from '../filesystem/walk.ts';
import { coverageFrom, type CoverageSource } from '../groups/coverage.ts';

/** What a thread begins with. */
export interface WalkTask {
  readonly path: DiskPath;
  readonly name: Encoded;
  readonly coverage: CoverageSource;
  readonly ignored: Ignored;
  /** Objects a batch. */
  readonly limit: number;
  /** How many batches may be under way: as many are made before the first `more`. */
  readonly ahead: number;
}

/** To the thread: a stretch to walk after those that it has; or that a batch was taken, so that there may be one more. */
export type WalkOrder = Stretch | 'more';

/** From the thread, first of all: that it has come up. Then what it found, in order. */
export type WalkAnswer = 'up' | WalkFindings;

export interface WalkFindings {
  /** Undefined: the stretch is done. Problems arrive as their properties. */
  readonly batch: WalkBatch | undefined;
  /** Temporary files that were met since the answer before. */
  readonly leftovers: readonly DiskPath[];
}

function serve(port: NonNullable<typeof parentPort>, { path, name, coverage, ignored, limit, ahead }: WalkTask): void {
  let leftovers: DiskPath[] = [];
  const walk = new Walk(path, name, coverageFrom(coverage).enter(decode(name) as FileName), {
    ignored,
    temporary: (leftover) => leftovers.push(leftover),
    staysHome: true,
  });
  const stretches: Stretch[] = [];
  let left = ahead;
  const answer = (message: WalkAnswer): void => port.postMessage(message);

  const work = (): void => {
    for (let stretch = stretches[0]; stretch !== undefined && left > 0; stretch = stretches[0]) {
      walk.goTo(stretch);
      const batch = walk.next(limit);
      if (batch === undefined) stretches.shift();
      else left -= 1;
      answer({ batch, leftovers });
      leftovers = [];
    }
  };
  port.on('message', (order: WalkOrder) => {
    if (order === 'more') left += 1;
    else stretches.push(order);
    work();
  });
  answer('up');
}

if (parentPort !== null) serve(parentPort, workerData as WalkTask);
