import { decode, encode } from '../bytes/urlEncoding.ts';
import type { DiskPath, FileName } from '../bytes/bytes.ts';
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
 * claimed rows alone, and a row that is queued again while the command runs is a new row, to be run again.
 */
export async function runActions(
  store: Store,
  toDisk: (name: FileName) => DiskPath | undefined,
  log: Log,
): Promise<void> {
  const run = ++lastRun;
  active.add(run);
  try {
    for (const action of await claimAll(store, run)) {
      await runOne(action, toDisk, log);
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
    const free = rows.map(parseRow).filter((row) => !isBusy(row.claim, claim));
    await applyInBatches(
      store,
      free.flatMap((row) => claimChanges(row, claim)),
    );
    return group(free, claim);
  });
  claiming = result.catch(() => undefined);
  return result;
}

interface ParsedRow {
  readonly row: ActionRow;
  readonly command: string;
  readonly claim: Claim | undefined;
}

function parseRow(row: ActionRow): ParsedRow {
  return { row, ...unclaimed(decode(row.command)) };
}

/** A claim whose process or run is over no longer counts. */
function isBusy(claim: Claim | undefined, own: Claim): boolean {
  if (claim === undefined) return false;
  const { pid, startTime, run } = claim;
  if (pid === own.pid && startTime === own.startTime) return active.has(run);
  return processStartTime(pid) === startTime;
}

function claimChanges({ row, command }: ParsedRow, claim: Claim): Change[] {
  return [drop(row), { ...drop(row), type: 'queueAction', command: encode(claimed(command, claim)) }];
}

function drop({ name, command, logfile }: ActionRow): Change & { type: 'dropAction' } {
  return { type: 'dropAction', name, command, logfile };
}

function group(rows: readonly ParsedRow[], claim: Claim): Action[] {
  const groups = new Map<string, { command: string; logfile: string; rows: ActionRow[]; names: Set<FileName> }>();
  for (const { row, command } of rows) {
    const key = `${command}\0${row.logfile}`;
    let action = groups.get(key);
    if (action === undefined) {
      action = { command, logfile: decode(row.logfile), rows: [], names: new Set() };
      groups.set(key, action);
    }
    action.rows.push({ ...row, command: encode(claimed(command, claim)) });
    action.names.add(decode(row.name) as FileName);
  }
  return [...groups.values()].map((action) => ({ ...action, names: [...action.names] }));
}

async function runOne(action: Action, toDisk: (name: FileName) => DiskPath | undefined, log: Log): Promise<void> {
  const files = action.names.map(toDisk).filter((path) => path !== undefined);
  if (files.length === 0) {
    log.error(`Command '${action.command}' is not run: its files have no place on this host.`);
    return;
  }
  const shown = shownCommand(action.command, files);
  log.write(1, runningCommand(shown));
  const { failure, logFailure } = await runShell(shellScript(action.command, files), action.logfile);
  if (logFailure !== undefined) log.error(`Log file ${action.logfile} of a command cannot be opened: ${logFailure}.`);
  if (failure !== undefined) log.error(`Command '${shown}' ${failure}.`);
}

async function applyInBatches(store: Store, changes: readonly Change[]): Promise<void> {
  for (let start = 0; start < changes.length; start += changesPerBatch) {
    await store.apply(changes.slice(start, start + changesPerBatch));
  }
}
