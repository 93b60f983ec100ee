import { runActions } from '../actions/runActions.ts';
import os from 'node:os';
import type { DiskPath, FileName } from '../bytes/bytes.ts';
import { NotAMemberError } from '../groups/cluster.ts';
import { createLog } from '../log/levelLog.ts';
import type { BranchingLog, Log, Sink } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { createStderrSink } from '../log/stderrSink.ts';
import { createSyslogSink } from '../log/syslogSink.ts';
import { createTimestamps } from '../log/timestamps.ts';
import { writeFully } from '../log/writeFully.ts';
import { Mounts } from '../scan/mounts.ts';
import { recover } from '../scan/recover.ts';
import { type FileArguments, type Invocation, ownArguments, type Parsed, parseArguments } from './arguments.ts';
import { adviceFor } from './advice.ts';
import { dieBy, InterruptedError, interruptible } from './interruption.ts';
import { lineOf } from './line.ts';
import { forgetCertificate, listCertificates } from './modes/certificates.ts';
import { compare } from './modes/compare.ts';
import { listCovered } from './modes/cover.ts';
import { addHints, coveredPaths, force, forgetMounts, mark, prune } from './modes/database.ts';
import { createKeyFile } from './modes/keyFile.ts';
import { listDirty, listFiles, listHints } from './modes/lists.ts';
import { checkHints, checkPaths, update } from './modes/synchronize.ts';
import { Output, OutputError, writeOut } from './output.ts';
import { absolutePath } from './paths.ts';
import { hideCommandLine } from './processTitle.ts';
import { findLock, findPlace, type Place, setUp, type Setup, SetupError } from './setup.ts';
import { version } from './version.ts';
import { watch, withProgress } from './watch.ts';

/** Exit status of a mode that found nothing to list, or nothing to complain about. */
const nothingFound = 2;

/** What a shell adds to the number of the signal that ended a program. */
const signalled = 128;
/** Nobody reads our output any more. */
const brokenPipe = signalled + os.constants.signals.SIGPIPE;

/** The whole program: reads the command line, does what it says, returns the exit status. */
export async function run(): Promise<number> {
  const optionsFirst = process.env['POSIXLY_CORRECT'] !== undefined;
  try {
    const args = ownArguments();
    const parsed = parseArguments(args, { version, optionsFirst });
    if (parsed.outcome === 'run') hideCommandLine(args, parsed.invocation.options.database);
    return await obey(parsed);
  } catch (error) {
    if (error instanceof OutputError && error.isUnread) return brokenPipe;
    createStderrSink().write(0, '', describe(error));
    return 1;
  }
}

async function obey(parsed: Parsed): Promise<number> {
  switch (parsed.outcome) {
    case 'print':
      if (parsed.complaint !== undefined) writeFully(2, `csync2: ${parsed.complaint}\n`);
      writeOut(parsed.text);
      return parsed.exitCode;
    case 'refuse':
      writeFully(2, `${parsed.message}\n`);
      return 1;
    case 'run':
      return runMode(parsed.invocation);
  }
}

async function runMode(invocation: Invocation): Promise<number> {
  const log = createLog(invocation.options.verbosity, sinkOf(invocation));
  const timestamps = createTimestamps({
    stderr: invocation.options.timestamps,
    file: invocation.options.timestampFile,
  });
  const place = findPlace(invocation.options);
  timestamps.begin();
  let status: number;
  try {
    status = await perform(invocation, place, log);
  } catch (error) {
    if (error instanceof OutputError && error.isUnread) throw error;
    status = report(error, log);
  }
  timestamps.end();
  if (invocation.mode !== 'serve' && invocation.mode !== 'create-key') {
    log.write(1, messages.connectionClosed);
    log.write(log.errors > 0 ? 0 : 1, messages.finished(log.errors));
  }
  return log.errors > 0 && status < signalled ? 1 : status;
}

/** Says why a run ended early; the status that it ends with. */
function report(error: unknown, log: Log): number {
  if (error instanceof InterruptedError) {
    process.once('exit', () => dieBy(error.signal));
    return signalled + os.constants.signals[error.signal];
  }
  log.error(describe(error));
  const advice = adviceFor(error);
  if (advice !== undefined) log.write(0, advice);
  return 1;
}

function sinkOf({ options }: Invocation): Sink {
  const { timestamps } = options;
  return options.syslog ? createSyslogSink() : createStderrSink({ timestamps });
}

/** Does what the command line says, at this place. The exit status, unless there were errors. */
export async function perform(invocation: Invocation, place: Place, log: BranchingLog): Promise<number> {
  if (invocation.mode === 'create-key') {
    createKeyFile(invocation.file);
    return 0;
  }
  if (invocation.mode === 'make-certificate') {
    const { makeCertificate } = await import('./modes/makeCertificate.ts');
    const { certificate } = makeCertificate(place);
    log.write(1, `Created ${certificate} and its key.`);
    return 0;
  }
  if (invocation.mode === 'status') {
    const { showStatus } = await import('./modes/status.ts');
    return showStatus(place, log, new Output(invocation.options.json));
  }
  const lock = findLock(place);
  if (lock !== undefined) {
    // In front of a peer, standard output carries the protocol and nothing else.
    const facesPeer = invocation.mode === 'serve' && invocation.listener === 'inetd';
    if (facesPeer) log.error(messages.lockFound(lock));
    else writeFully(1, messages.lockFound(lock) + '\n');
    log.write(
      0,
      'csync2 does nothing while that file is there. Whoever put it there may have a reason; remove it to go on.',
    );
    return 1;
  }
  if (invocation.mode === 'serve') {
    const { serveSocket, serveStdio } = await import('./modes/serve.ts');
    if (invocation.listener === 'inetd') return serveStdio(place, log);
    return serveSocket(place, log, invocation.listener === 'one-connection');
  }
  const output = new Output(invocation.options.json);
  const setup = await setUp(place, log, output);
  try {
    if (!setup.cluster.isMember && invocation.mode !== 'explain') throw new NotAMemberError(place.host);
    const status = await performOn(setup, invocation, place);
    if (invocation.mode !== 'explain') await runActions(setup.store, (name) => setup.cluster.toDisk(name), log);
    await setup.store.flush();
    return status;
  } finally {
    try {
      output.flush();
    } finally {
      await setup.store.close();
    }
  }
}

/** Modes that work on the database of one configuration. */
async function performOn(
  setup: Setup,
  invocation: Exclude<Invocation, { mode: 'create-key' | 'make-certificate' | 'status' | 'serve' }>,
  place: Place,
): Promise<number> {
  const { options } = invocation;
  const { recursive } = options;
  switch (invocation.mode) {
    case 'list-hints':
      return listed(await listHints(setup));
    case 'list-files':
      return listed(await listFiles(setup, setup.cluster.coverage()));
    case 'list-dirty':
      return listed(await listDirty(setup));
    case 'list-pair':
      return listed(await listPair(setup, invocation.pair));
    case 'remove-old':
      await prune(setup);
      return 0;
    case 'hint':
      await addHints(setup, invocation.files.map(absolutePath), recursive);
      return 0;
    case 'force':
      await force(setup, coveredPaths(setup, invocation.files.map(absolutePath)), recursive);
      return 0;
    case 'mark':
      await mark(setup, coveredPaths(setup, invocation.files.map(absolutePath)), recursive, options.force);
      return 0;
    case 'cover':
      listCovered(setup, coveredPaths(setup, invocation.files.map(absolutePath)), recursive);
      return 0;
    case 'explain': {
      const { explain } = await import('./modes/explain.ts');
      return listed(await explain(setup, invocation.files.map(absolutePath)));
    }
    case 'list-certificates':
      return listed(await listCertificates(setup, invocation.host));
    case 'forget-certificate':
      await forgetCertificate(setup, invocation.host);
      return 0;
    case 'forget-mount':
      await forgetMounts(setup, invocation.files.map(absolutePath));
      return 0;
    case 'compare':
      return withProgress(setup, { ...options, progress: options.progress && !invocation.diffs }, (watched) =>
        untilStopped(watched, (stoppable) => comparePairs(stoppable, invocation, place)),
      );
    case 'check':
    case 'update':
    case 'check-and-update':
    case 'synchronize':
      await watch(setup, options, (watched) =>
        untilStopped(watched, (stoppable) => synchronize(stoppable, place, invocation)),
      );
      return 0;
  }
}

/** Does work that signals can end. From then on nothing is shown but messages. */
function untilStopped<Result>(setup: Setup, work: (setup: Setup) => Promise<Result>): Promise<Result> {
  return interruptible(setup.log, (stop) => {
    stop.asked.addEventListener('abort', () => setup.progress?.stop(), { once: true });
    return work({ ...setup, stop });
  });
}

async function synchronize(setup: Setup, place: Place, { mode, files }: FileArguments): Promise<void> {
  const mounts = await Mounts.find(setup.cluster, setup.store);
  await recover(setup.cluster, setup.store, setup.ignored, mounts, setup.log);
  const { options } = place;
  const all = files.length === 0;
  const paths = coveredPaths(setup, files.map(absolutePath));
  if (mode === 'synchronize' && all) {
    await checkPaths(setup, mounts, { ...options, recursive: true }, ['/' as DiskPath]);
  } else if (mode !== 'update') {
    if (all) await checkHints(setup, mounts, options);
    else await checkPaths(setup, mounts, options, paths);
  }
  if (mode === 'check') return;
  const isChecked = mode === 'synchronize' || (mode === 'check-and-update' && !all);
  await update(setup, mounts, place, all ? undefined : paths, options.recursive, isChecked);
}

function listPair(
  setup: Setup,
  { myname, peer }: { readonly myname: string; readonly peer: string },
): Promise<boolean> {
  const keys = setup.cluster.pairs
    .filter((pair) => pair.myname === myname && pair.peer === peer)
    .flatMap((pair) => pair.keys);
  return listFiles(setup, setup.cluster.sharedWith(peer, keys, myname));
}

async function comparePairs(
  setup: Setup,
  invocation: Extract<Invocation, { mode: 'compare' }>,
  place: Place,
): Promise<number> {
  const { pair: wanted, diffs, options } = invocation;
  const pairs = setup.cluster.pairs.filter(
    ({ myname, peer }) => wanted === undefined || (myname === wanted.myname && peer === wanted.peer),
  );
  if (pairs.length === 0 && wanted !== undefined) {
    const advice =
      'This host comes first, then its peer. See --status for groups and their hosts, -N for the name of this one.';
    throw new SetupError('ARGUMENT', messages.noSuchPair(wanted.myname, wanted.peer), { advice });
  }
  const paths = invocation.file === undefined ? undefined : coveredPaths(setup, [absolutePath(invocation.file)]);
  const files: (FileName | undefined)[] = paths?.flatMap((path) => setup.cluster.toNames(path)) ?? [undefined];
  const mounts = await Mounts.find(setup.cluster, setup.store);
  let differ = false;
  for (const file of files) {
    if (file !== undefined && setup.cluster.covering(file).length === 0) continue;
    const found = await compare(setup, lineOf(place, setup), pairs, {
      announce: wanted === undefined,
      file,
      mounts,
      diffs,
      mark: options.initRun,
      removals: options.markRemovals,
      onlyThisPeer: options.onlyThisPeer,
    });
    differ = found || differ;
  }
  return differ ? 0 : nothingFound;
}

function listed(any: boolean): number {
  return any ? 0 : nothingFound;
}

/** Errors that are foreseen carry a `code` and a message for people; anything else is a defect and shows where. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? error.message : (error.stack ?? error.message);
}
