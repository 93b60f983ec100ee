import fs from 'node:fs';
import type { DiskPath } from '../../bytes/bytes.ts';
import { decode, encode } from '../../bytes/urlEncoding.ts';
import * as messages from '../../log/messages.ts';
import { writeFully } from '../../log/writeFully.ts';
import { systemText } from '../../transport/failures.ts';
import { Check, type CheckOptions } from '../../scan/check.ts';
import type { Mounts } from '../../scan/mounts.ts';
import { tidyMarks } from '../../store/marks.ts';
import type { NameRange, Store } from '../../store/store.ts';
import { updateAll } from '../../sync/updateAll.ts';
import type { Options } from '../arguments.ts';
import { jsonLine, type JsonObject } from '../json.ts';
import { lineOf } from '../line.ts';
import { watchPeers } from '../peerWatch.ts';
import { type Place, type Setup, SetupError } from '../setup.ts';
import { rangesOf } from './database.ts';

/** Peers that are served at the same time. */
const jobs = 8;

/** `-c FILE…` */
export async function checkPaths(
  setup: Setup,
  mounts: Mounts,
  options: Options,
  paths: readonly DiskPath[],
): Promise<void> {
  const check = newCheck(setup, mounts, options, options.recursive);
  await announceCheck(setup, paths, options.recursive);
  for (const path of paths) await check.run(path);
  setup.progress?.ends();
}

/** `-c` without files: every hint, which is forgotten once it has been checked. */
export async function checkHints(setup: Setup, mounts: Mounts, options: Options): Promise<void> {
  for (const { name, recursive } of await setup.store.hints()) {
    const path = decode(name) as DiskPath;
    await announceCheck(setup, [path], recursive);
    await newCheck(setup, mounts, options, recursive).run(path);
    await setup.store.apply([{ type: 'dropHint', name, recursive }]);
  }
  setup.progress?.ends();
}

/** Few files are not worth counting. */
async function announceCheck(setup: Setup, paths: readonly DiskPath[], recursive: boolean): Promise<void> {
  const { progress, store } = setup;
  if (progress === undefined) return;
  let rows = 0;
  for (const range of recursive ? paths.flatMap((path) => rangesOf(setup, path, true)) : []) {
    rows += await store.fileCount(range);
  }
  progress.checks(rows === 0 ? undefined : rows);
}

/** `-u`: what is dirty goes to the peers; with paths only what is at (or with `-r` below) them. `isChecked`: `-x`. */
export async function update(
  setup: Setup,
  mounts: Mounts,
  place: Place,
  paths: readonly DiskPath[] | undefined,
  recursive: boolean,
  isChecked: boolean,
): Promise<void> {
  const { options } = place;
  const ranges: readonly NameRange[] | undefined = paths?.flatMap((path) => rangesOf(setup, path, recursive));
  const { cluster, log, output, progress, store } = setup;
  for (const name of options.peers ?? []) {
    if (name !== cluster.host && !cluster.peers.includes(name)) log.write(0, messages.notAPeer(name));
  }
  const watch = progress && watchPeers(progress, store, ranges);
  const print = (line: string): void => output.line(output.json ? jsonLine(dryRunEvent(line)) : line);
  const onContact = (peer: string, trouble: string | undefined): Promise<void> =>
    noteContact(setup.store, peer, trouble);
  const isLost = (path: DiskPath, isGone: boolean): boolean => {
    const lost = mounts.lostAt(path, isGone);
    if (lost !== undefined) mounts.tell(lost, setup.log);
    return lost !== undefined;
  };
  await updateAll(
    {
      ...setup,
      isLost,
      line: lineOf(place, setup),
      stopping: setup.stop.asked,
      options: { dryRun: options.dryRun, selection: { ranges, isChecked }, print, onContact, watch },
    },
    options.peers,
    jobs,
  );
  await tidyMarks(setup.store);
  setup.stop.asked.throwIfAborted();
}

/** A line of a dry run, see `messages.dryRun`. */
function dryRunEvent(line: string): JsonObject {
  const [, mark, peer, file] = /^(..): (\S+) +(.*)$/s.exec(line) ?? [];
  return { event: 'would', mark, file, peer };
}

/** For `--status` and `--explain`. */
export async function noteContact(store: Store, peer: string, trouble: string | undefined): Promise<void> {
  const at = Math.floor(Date.now() / 1000);
  const text = trouble === undefined ? undefined : encode(trouble.slice(0, 1000));
  await store.apply([{ type: 'noteContact', peer: encode(peer), at, trouble: text }]);
}

function mustBeOpen(descriptor: number): void {
  try {
    fs.fstatSync(descriptor);
  } catch (cause) {
    throw new SetupError('ARGUMENT', `Invalid dump_dir_fd ${descriptor}: Bad file descriptor`, {
      cause,
      advice: openFirst,
    });
  }
}

const openFirst = "-W takes the number of a descriptor that is open for writing, as in 'csync2 -W 3 -cr / 3>FILE'.";

function newCheck(setup: Setup, mounts: Mounts, options: Options, recursive: boolean): Check {
  const { cluster, store, ignored, log, stop } = setup;
  const { initRun: init, force: forced } = options;
  const checkOptions: CheckOptions = { recursive, init, forced, mounts, stopping: stop.asked };
  const descriptor = options.directoryDescriptor;
  if (descriptor === undefined) return new Check(cluster, store, ignored, log, checkOptions);
  mustBeOpen(descriptor);
  const onDirectory = (name: string): void => writeDirectory(descriptor, name);
  return new Check(cluster, store, ignored, log, { ...checkOptions, onDirectory });
}

function writeDirectory(descriptor: number, name: string): void {
  try {
    writeFully(descriptor, name + '\0');
  } catch (cause) {
    const reason = systemText(cause as Error);
    throw new SetupError('ARGUMENT', `Can't write to descriptor ${descriptor}, which -W names: ${reason}`, { cause });
  }
}
