import { decode, encode } from '../bytes/urlEncoding.ts';
import type { DiskPath, Encoded, FileName } from '../bytes/bytes.ts';
import type { Log } from '../log/log.ts';
import { runningCommand } from '../log/messages.ts';
import type { ActionRow, Change, Store } from '../store/store.ts';
import { claimed, processStartTime, unclaimed, type Claim } from './claim.ts';
import { runShell } from './runShell.ts';
import { shellScript, shownCommand } from './shellScript.ts';

/** Even, so that dropping and queueing a row in `claimChanges` stay together. */
const changesPerBatch = 1_000;

/**
 * Runs what is queued in the action table: each distinct command and log file once, one after the other, for all its
 * files. Failures are errors in the log.
 *
 * The rows of a command are claimed before it runs and dropped after it: a crash loses none, another process leaves
 * claimed rows alone, and a row that is queued again while the command runs is a new row, to be run again. So it is with
 * `hurry`: what is not done by then is left to the next run.
 */
export async function runActions(
  store: Store,
  toDisk: (name: FileName) => DiskPath | undefined,
  log: Log,
  hurry?: AbortSignal,
): Promise<void> {
  const run = ++lastRun;
  active.add(run);
  try {
    for (const action of await claimAll(store, run)) {
      if (hurry?.aborted === true) return;
      if (!(await runOne(action, toDisk, log, hurry))) return;
      await applyInBatches(store, action.rows.map(drop));
    }
  } finally {
    active.delete(run);
  }
}

interface Action {
  readonly command: string;
  readonly logfile: string;
  readonly names: readonly FileName[];
  /** Claimed, as they stand in the table now. */
  readonly rows: readonly ActionRow[];
}

let lastRun = 0;
const active = new Set<number>();

/** Of several runs in this process, one at a time reads and claims. */
let claiming: Promise<unknown> = Promise.resolve();

async function claimAll(store: Store, run: number): Promise<Action[]> {
  const result = claiming.then(async () => {
    const rows = await store.actions();
    if (rows.length === 0) return [];
    const claim: Claim = { pid: process.pid, startTime: processStartTime(process.pid) ?? '0', run };
    const commands = parseCommands(rows, claim);
    const free = rows.filter((row) => !commandOf(row, commands).busy);
    await applyInBatches(
      store,
      free.flatMap((row) => claimChanges(row, commandOf(row, commands))),
    );
    return group(free, commands);
  });
  claiming = result.catch(() => undefined);
  return result;
}

interface Command {
  /** As it was configured. */
  readonly text: string;
  /** As it stands in the table once it is claimed by us. */
  readonly claimed: Encoded;
  /** Claimed by someone else who is at work. */
  readonly busy: boolean;
}

/** Many rows, few commands: each one is looked at once. */
type Commands = ReadonlyMap<Encoded, Command>;

function parseCommands(rows: readonly ActionRow[], own: Claim): Commands {
  const commands = new Map<Encoded, Command>();
  for (const { command } of rows) {
    if (commands.has(command)) continue;
    const { command: text, claim } = unclaimed(decode(command));
    commands.set(command, { text, claimed: encode(claimed(text, own)), busy: isBusy(claim, own) });
  }
  return commands;
}

function commandOf(row: ActionRow, commands: Commands): Command {
  return commands.get(row.command) as Command;
}

/** A claim whose process or run is over no longer counts. */
function isBusy(claim: Claim | undefined, own: Claim): boolean {
  if (claim === undefined) return false;
  const { pid, startTime, run } = claim;
  if (pid === own.pid && startTime === own.startTime) return active.has(run);
  return processStartTime(pid) === startTime;
}

function claimChanges(row: ActionRow, command: Command): Change[] {
  return [drop(row), { ...row, type: 'queueAction', command: command.claimed }];
}

function drop({ name, command, logfile }: ActionRow): Change {
  return { type: 'dropAction', name, command, logfile };
}

function group(rows: readonly ActionRow[], commands: Commands): Action[] {
  const groups = new Map<string, { command: string; logfile: string; rows: ActionRow[]; names: Set<Encoded> }>();
  for (const row of rows) {
    const command = commandOf(row, commands);
    const key = `${command.claimed} ${row.logfile}`;
    let action = groups.get(key);
    if (action === undefined) {
      action = { command: command.text, logfile: decode(row.logfile), rows: [], names: new Set() };
      groups.set(key, action);
    }
    action.rows.push({ ...row, command: command.claimed });
    action.names.add(row.name);
  }
  return [...groups.values()].map(({ names, ...action }) => ({
    ...action,
    names: [...names].map((name) => decode(name) as FileName),
  }));
}

/** False when it was left to the next run. */
async function runOne(
  action: Action,
  toDisk: (name: FileName) => DiskPath | undefined,
  log: Log,
  hurry: AbortSignal | undefined,
): Promise<boolean> {
  const files = action.names.map(toDisk).filter((path) => path !== undefined);
  if (files.length === 0) {
    log.error(`Command '${action.command}' is not run: its files have no place on this host.`);
    return true;
  }
  const shown = shownCommand(action.command, files);
  log.write(1, runningCommand(shown));
  const script = shellScript(action.command, files);
  const { failure, logFailure, abandoned } = await runShell(script, action.logfile, hurry);
  if (logFailure !== undefined) log.error(`Log file ${action.logfile} of a command cannot be opened: ${logFailure}.`);
  if (failure !== undefined) log.error(`Command '${shown}' ${failure}.`);
  if (abandoned)
    log.error(`Command '${shown}' is not waited for any more: it is run again by the next session or run.`);
  return !abandoned;
}

async function applyInBatches(store: Store, changes: readonly Change[]): Promise<void> {
  for (let start = 0; start < changes.length; start += changesPerBatch) {
    await store.apply(changes.slice(start, start + changesPerBatch));
  }
}
