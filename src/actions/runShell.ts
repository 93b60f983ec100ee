import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { fsPath } from '../bytes/bytes.ts';
import { fromHere } from '../bytes/currentDirectory.ts';

export interface ShellResult {
  /** What went wrong: `exited with status 3`, `was killed by SIGTERM`; undefined when nothing did. */
  readonly failure: string | undefined;
  /** Why the log file could not be opened (byte string); the script ran all the same. */
  readonly logFailure: string | undefined;
  /** It was not waited for: it may still run. */
  readonly abandoned: boolean;
}

/** Stands behind every script: half of one, which is all that a shell gets when this process ends, must not be run. */
const end = '\n# csync2: the script ends here';

/**
 * The script comes on descriptor 3, which the commands in it don't get: as an argument it would have to be UTF-8, and
 * short. Its end is taken off, so that it does not become part of what a command leaves open there.
 */
const loader = `csync2_end='${end}'
csync2_script=$(cat <&3); exec 3<&-
case $csync2_script in *"$csync2_end") eval "\${csync2_script%"$csync2_end"}" ;; *) exit 75 ;; esac`;

/**
 * Runs a script (a byte string) with `/bin/sh`: stdin from /dev/null, stdout and stderr appended to `logfile`, the
 * working directory and environment of this process. `hurry`: do not wait for it any more, nor let this process do so.
 */
export async function runShell(script: string, logfile: string, hurry?: AbortSignal): Promise<ShellResult> {
  const { handle, logFailure } = await openLog(logfile);
  try {
    const output = handle?.fd ?? 'ignore';
    const child = spawn('/bin/sh', ['-c', loader], { stdio: ['ignore', output, output, 'pipe'] });
    const pipe = child.stdio[3] as Writable;
    const exited = once(child, 'exit', hurry === undefined ? {} : { signal: hurry });
    try {
      const [[status, signal]] = (await Promise.all([exited, feed(pipe, script)])) as [Exit, void];
      return { failure: failureOf(status, signal), logFailure, abandoned: false };
    } catch (error) {
      if (hurry?.aborted !== true) throw error;
      child.unref();
      pipe.destroy();
      return { failure: undefined, logFailure, abandoned: true };
    }
  } catch (error) {
    return { failure: `could not be started: ${(error as Error).message}`, logFailure, abandoned: false };
  } finally {
    await handle?.close();
  }
}

type Exit = [number | null, NodeJS.Signals | null];

async function openLog(logfile: string) {
  try {
    return { handle: await openToAppend(logfile), logFailure: undefined };
  } catch (error) {
    return { handle: undefined, logFailure: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;

/**
 * A FIFO that nobody reads is an error: to wait for a reader would hold up one of the few threads that all sessions have in
 * common. The command itself may wait for a reader that is there.
 */
async function openToAppend(logfile: string): Promise<FileHandle> {
  const handle = await open(fsPath(fromHere(logfile)), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o666);
  if ((await handle.stat()).isFile()) return handle;
  try {
    // Writes are to wait.
    return await open(`/proc/self/fd/${handle.fd}`, O_WRONLY | O_APPEND);
  } finally {
    await handle.close();
  }
}

async function feed(pipe: Writable, script: string): Promise<void> {
  pipe.end(Buffer.from(script + end, 'latin1'));
  try {
    await finished(pipe, { readable: false });
  } catch {
    // A shell that ends before it has read its script tells why by its exit status.
  }
}

function failureOf(status: number | null, signal: NodeJS.Signals | null): string | undefined {
  if (signal !== null) return `was killed by ${signal}`;
  return status === 0 ? undefined : `exited with status ${status}`;
}
