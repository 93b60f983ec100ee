import { type Invocation, parseArguments } from '../../../src/cli/arguments.ts';
import { surroundingsOf } from '../../../src/cli/modes/serve.ts';
import { perform } from '../../../src/cli/run.ts';
import { ServerSettings } from '../../../src/cli/serverSettings.ts';
import type { Place } from '../../../src/cli/setup.ts';
import { createSession, serve } from '../../../src/daemon/daemon.ts';
import { createLog } from '../../../src/log/levelLog.ts';
import type { BranchingLog } from '../../../src/log/log.ts';
import { listenTcp, type Listener } from '../../../src/transport/listenTcp.ts';

export interface LocalPlace {
  readonly name: string;
  readonly port: number;
  readonly systemDirectory: string;
  readonly databaseDirectory: string;
}

const patience = 20_000;

/** One host's csync2 as a part of this process: real sockets, files and databases, but no start of a program each time. */
export class LocalProgram {
  readonly #place: LocalPlace;
  readonly #onLog: (text: string) => void;
  readonly #invocations = new Map<string, Invocation>();
  readonly #sessions = new Set<Promise<void>>();
  #listener: Listener | undefined;

  constructor(place: LocalPlace, onLog: (text: string) => void) {
    this.#place = place;
    this.#onLog = onLog;
  }

  async serve(): Promise<void> {
    const place = this.#placeOf(this.#invocation('-ii -v'));
    const log = logTo(1, this.#onLog);
    const surroundings = surroundingsOf(place, new ServerSettings(place, log), log);
    this.#listener = await listenTcp({
      address: this.#place.name,
      port: this.#place.port,
      fd: undefined,
      onError: (error) => this.#onLog(`${error.stack ?? error.message}\n`),
      onChannel: (channel) => {
        const served = serve(createSession(channel, surroundings, log), channel).finally(() =>
          this.#sessions.delete(served),
        );
        this.#sessions.add(served);
      },
    });
  }

  /** Exit status and all that was said. */
  async run(args: string): Promise<{ readonly code: number; readonly output: string }> {
    const invocation = this.#invocation(args);
    let output = '';
    const log = logTo(invocation.options.verbosity, (text) => (output += text));
    let status = 1;
    try {
      status = await inTime(perform(invocation, this.#placeOf(invocation), log), args);
    } catch (error) {
      log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    return { code: log.errors > 0 ? 1 : status, output };
  }

  /** Ends when the sessions under way have ended. */
  async close(): Promise<void> {
    this.#listener?.close();
    await Promise.all(this.#sessions);
  }

  #placeOf({ options }: Invocation): Place {
    return { systemDirectory: this.#place.systemDirectory, host: this.#place.name, options };
  }

  #invocation(args: string): Invocation {
    const known = this.#invocations.get(args);
    if (known !== undefined) return known;
    const { name, port, databaseDirectory } = this.#place;
    const line = ['-N', name, '-D', databaseDirectory, '-p', String(port), '-A', ...args.split(' ')];
    const parsed = parseArguments(line, { version: '', optionsFirst: false });
    if (parsed.outcome !== 'run') throw new Error(`no such command line: ${line.join(' ')}`);
    this.#invocations.set(args, parsed.invocation);
    return parsed.invocation;
  }
}

function logTo(level: number, take: (text: string) => void): BranchingLog {
  return createLog(level, { write: (_, prefix, message) => take(`${prefix}${message}\n`), flush: () => undefined });
}

async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`csync2 ${what} hung`)), patience);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
