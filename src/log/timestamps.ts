import { openSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { fsPath, fromText } from '../bytes/bytes.ts';
import { dateTime, duration } from './clock.ts';
import { writeFully } from './writeFully.ts';

/** `code` is always TIMESTAMP_FILE: the file of `-s` cannot be opened. `message` is a byte string. */
export class TimestampFileError extends Error {
  readonly code = 'TIMESTAMP_FILE';
  constructor(path: string, cause: NodeJS.ErrnoException) {
    const reason = getSystemErrorMap().get(cause.errno ?? 0)?.[1] ?? cause.message;
    super(`Can't open timestamp file \`${path}': ${fromText(reason)}`, { cause });
    this.name = 'TimestampFileError';
  }
}

export interface TimestampOptions {
  /** `-t`: to stderr, also when messages go to syslog. */
  readonly stderr: boolean;
  /** `-s FILE`, a byte string: appended to, with the process id in front. */
  readonly file: string | undefined;
}

/** When a run or a session began and ended, and how long it took. */
export interface Timestamps {
  /** `prefix` as in `BranchingLog.child`. */
  begin(prefix?: string): void;
  end(prefix?: string): void;
}

/** Throws TimestampFileError. */
export function createTimestamps(options: TimestampOptions): Timestamps {
  const fd = options.file === undefined ? undefined : open(options.file);
  let begun = Date.now();
  // Most runs want no time stamps, and naming a time zone takes longer than the rest of the start.
  const isWanted = options.stderr || fd !== undefined;

  const print = (prefix: string, line: string) => {
    if (options.stderr) tryWrite(2, `${prefix}${line}\n`);
    if (fd !== undefined) tryWrite(fd, `<${process.pid}> ${line}\n`);
  };
  return {
    begin(prefix = '') {
      begun = Date.now();
      if (isWanted) print(prefix, `TIMESTAMP: ${dateTime(new Date(begun))}`);
    },
    end(prefix = '') {
      if (!isWanted) return;
      const now = Date.now();
      print(prefix, `TIMESTAMP: ${dateTime(new Date(now))}`);
      print(prefix, `TOTALTIME: ${duration(Math.floor(now / 1000) - Math.floor(begun / 1000))}`);
    },
  };
}

function open(file: string): number {
  try {
    return openSync(fsPath(file), 'a');
  } catch (error) {
    throw new TimestampFileError(file, error as NodeJS.ErrnoException);
  }
}

function tryWrite(fd: number, line: string): void {
  try {
    writeFully(fd, line);
  } catch {
    // A reader that is gone or a full disk must not end a run because of its time stamps.
  }
}
