import { readFileSync } from 'node:fs';

/**
 * A claim says which run of which process is executing a queued action. It stands in front of the command as a shell
 * comment of sorts, so that a claimed row whose process died is still a command that does the same: for us, who take
 * it over, and for the C program.
 */
export interface Claim {
  readonly pid: number;
  /** When the process began, in clock ticks since boot: a process id alone may be used again. */
  readonly startTime: string;
  /** Tells runs of one process apart. */
  readonly run: number;
}

const form = /^: csync2-run (\d+) (\d+) (\d+); /;

export function claimed(command: string, { pid, startTime, run }: Claim): string {
  return `: csync2-run ${pid} ${startTime} ${run}; ${command}`;
}

/** The command as it was configured, and the claim on it. */
export function unclaimed(command: string): { readonly command: string; readonly claim: Claim | undefined } {
  const match = form.exec(command);
  if (match === null) return { command, claim: undefined };
  const [prefix, pid, startTime, run] = match as unknown as [string, string, string, string];
  return { command: command.slice(prefix.length), claim: { pid: Number(pid), startTime, run: Number(run) } };
}

/** In clock ticks since boot; undefined when there is no such process. */
export function processStartTime(pid: number): string | undefined {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
  // The second field, the name in parentheses, may hold blanks and parentheses itself; the start time is field 22.
  return status.slice(status.lastIndexOf(')') + 2).split(' ')[19];
}
