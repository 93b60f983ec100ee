import { decode } from '../bytes/urlEncoding.ts';
import { isTerminal } from '../log/isTerminal.ts';
import type { Level, Log } from '../log/log.ts';
import type { Change } from '../store/store.ts';
import type { Options } from './arguments.ts';
import { jsonLine } from './json.ts';
import { ObservedStore } from './observedStore.ts';
import type { Output } from './output.ts';
import type { Setup } from './setup.ts';

type Work<Result> = (setup: Setup) => Promise<Result>;

/** Carries out work that may take long, and shows how it goes: to a person at a terminal, or as events to a program. */
export async function watch<Result>(setup: Setup, options: Options, work: Work<Result>): Promise<Result> {
  return setup.output.json ? tell(setup, work) : withProgress(setup, options, work);
}

/** The same for work that has no events, only results. */
export async function withProgress<Result>(setup: Setup, options: Options, work: Work<Result>): Promise<Result> {
  return isSeen(setup, options) ? showProgress(setup, work) : work(setup);
}

function isSeen({ output }: Setup, { progress, verbosity, syslog }: Options): boolean {
  return progress && verbosity === 0 && !syslog && !output.json && isTerminal(2) && isTerminal(1);
}

async function showProgress<Result>(setup: Setup, work: Work<Result>): Promise<Result> {
  const { Progress } = await import('./progress.ts');
  const progress = new Progress();
  const clear = (): void => progress.clear();
  setup.output.beforeFlush = clear;
  try {
    const store = new ObservedStore(setup.store, progress);
    return await work({ ...setup, progress, store, log: new HeardLog(setup.log, clear) });
  } finally {
    setup.output.beforeFlush = undefined;
    progress.stop();
  }
}

/** Events, a line each. Each line leaves at once: whoever reads them may want to follow. */
async function tell<Result>(setup: Setup, work: Work<Result>): Promise<Result> {
  const { output, log } = setup;
  const changed = (changes: readonly Change[]): void => {
    for (const change of changes) tellChange(output, change);
    output.flush();
  };
  const failed = (message: string): void => output.line(jsonLine({ event: 'error', message }));
  const store = new ObservedStore(setup.store, { read: () => undefined, changed });
  let errors = 0;
  try {
    const hear = (message: string, isError: boolean): void => {
      if (isError) failed(message);
    };
    return await work({ ...setup, store, log: new HeardLog(log, hear) });
  } catch (error) {
    failed(error instanceof Error ? error.message : String(error));
    errors = 1;
    throw error;
  } finally {
    output.line(jsonLine({ event: 'finished', errors: log.errors + errors }));
  }
}

function tellChange(output: Output, change: Change): void {
  if (change.type !== 'markDirty' && change.type !== 'clearDirty') return;
  const event = change.type === 'markDirty' ? 'marked' : 'done';
  output.line(jsonLine({ event, file: decode(change.name), peer: decode(change.peer) }));
}

/** A log that somebody listens to. */
class HeardLog implements Log {
  readonly #log: Log;
  readonly #hear: (message: string, isError: boolean) => void;

  /** `hear` is called before a message that will be seen. */
  constructor(log: Log, hear: (message: string, isError: boolean) => void) {
    this.#log = log;
    this.#hear = hear;
  }

  get level(): number {
    return this.#log.level;
  }

  get errors(): number {
    return this.#log.errors;
  }

  wants(level: Level): boolean {
    return this.#log.wants(level);
  }

  write(level: Level, message: string): void {
    if (this.wants(level)) this.#hear(message, false);
    this.#log.write(level, message);
  }

  error(message: string): void {
    this.#hear(message, true);
    this.#log.error(message);
  }
}
