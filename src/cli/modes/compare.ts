import type { DiskPath, FileName } from '../../bytes/bytes.ts';
import { decode, encode } from '../../bytes/urlEncoding.ts';
import { parseChecktxt } from '../../entry/checktxt.ts';
import type { Pair } from '../../groups/cluster.ts';
import * as messages from '../../log/messages.ts';
import { markDirty } from '../../scan/marking.ts';
import { type Mounts, namesAt } from '../../scan/mounts.ts';
import { allNames, type Change } from '../../store/store.ts';
import { comparePair, type Difference } from '../../sync/compare.ts';
import { ConversationError } from '../../sync/conversationError.ts';
import { fetchContent } from '../../sync/fetchContent.ts';
import { describeFailure } from '../../sync/failure.ts';
import type { Line } from '../../sync/handshake.ts';
import { NotMounted } from '../../sync/notMounted.ts';
import { showDiff } from '../diff.ts';
import { jsonLine } from '../json.ts';
import { OutputError } from '../output.ts';
import type { Setup } from '../setup.ts';

export interface CompareOptions {
  /** Say which pair is compared; not when it was asked for by name. */
  readonly announce: boolean;
  readonly file: FileName | undefined;
  readonly mounts: Mounts;
  /** `-TT`: unified diffs in place of lines. */
  readonly diffs: boolean;
  /** `-TI`: mark what differs or is only here. */
  readonly mark: boolean;
  /** `-X`: with `-TI`, also what is only there. */
  readonly removals: boolean;
  /** `-U`: with `-TI`, only for the peer that it was compared with. */
  readonly onlyThisPeer: boolean;
}

/** `-T`: true when anything differs. A peer that cannot be asked is an error, and the next pair follows. */
export async function compare(
  setup: Setup,
  line: Line,
  pairs: readonly Pair[],
  options: CompareOptions,
): Promise<boolean> {
  let any = false;
  const { progress } = setup;
  const rows = progress === undefined || options.file !== undefined ? undefined : await setup.store.fileCount(allNames);
  for (const pair of pairs) {
    setup.stop.asked.throwIfAborted();
    if (options.announce) setup.log.write(1, messages.inSyncCheck(pair.myname, pair.peer));
    tellOfLost(setup, pair, options);
    progress?.compares(pair.peer, rows);
    const notMounted = new NotMounted(setup.log, pair.peer);
    try {
      for await (const difference of comparePair({ ...setup, line }, pair, options.file)) {
        setup.stop.asked.throwIfAborted();
        const lost = lostOf(setup, difference.name, options);
        if (lost !== undefined) {
          options.mounts.tell(lost, setup.log);
          continue;
        }
        any = true;
        await show(setup, line, pair, difference, options, notMounted);
        if (options.mark) await markDifference(setup, difference, options);
      }
    } catch (error) {
      setup.stop.asked.throwIfAborted();
      if (!(error instanceof Error && 'code' in error) || error instanceof OutputError) throw error;
      setup.log.write(0, describeFailure(error, pair.peer));
      setup.log.error(messages.connectionFailed(pair.peer));
    } finally {
      notMounted.conclude();
      progress?.ends(pair.peer);
    }
  }
  setup.stop.asked.throwIfAborted();
  return any;
}

/** Also where nothing differs: nobody can say that what this pair shares of a lost file system is in sync. */
function tellOfLost(setup: Setup, { peer, keys }: Pair, options: CompareOptions): void {
  const { cluster, log } = setup;
  const { file, mounts } = options;
  const shared = cluster.sharedWith(peer, keys);
  const isShared = (name: FileName): boolean => shared.covers(name) || shared.mayContain(name);
  for (const lost of file === undefined ? mounts.lostAround('/' as DiskPath) : [lostOf(setup, file, options)]) {
    if (lost !== undefined && namesAt(cluster, lost).some(isShared)) mounts.tell(lost, log);
  }
}

/** The mount point of the lost file system that a name is on. */
function lostOf({ cluster }: Setup, name: FileName, { mounts }: CompareOptions): DiskPath | undefined {
  const path = cluster.toDisk(name);
  return path === undefined ? undefined : mounts.lostAt(path);
}

async function show(
  setup: Setup,
  line: Line,
  pair: Pair,
  difference: Difference,
  options: CompareOptions,
  notMounted: NotMounted,
): Promise<void> {
  const { side, myname, peer, name } = difference;
  if (setup.output.json) return setup.output.line(jsonLine({ file: name, side: sides[side], myname, peer }));
  if (!options.diffs) return setup.output.line(`${side}\t${myname}\t${peer}\t${name}`);
  const group = setup.cluster.groupFor(peer, name);
  const path = setup.cluster.toDisk(name);
  if (group === undefined || path === undefined) return;
  setup.output.flush();
  const theirs = hasContent(difference) ? fetchContent(line, pair, group.key, name) : nothing();
  try {
    await showDiff(theirs, path, `${peer}:${name}`, `${myname}:${name}`, setup.log);
  } catch (error) {
    // It came over a connection of its own: the comparison goes on.
    if (!(error instanceof ConversationError)) throw error;
    if (error.code === 'NOT_MOUNTED' && !notMounted.isFirst()) setup.log.write(1, error.message);
    else if (error.code === 'NOT_MOUNTED' || error.code === 'REFUSED') setup.log.error(error.message);
    else throw error;
  }
}

/** A C server that is asked for a FIFO's content waits for somebody to write into it. */
function hasContent({ theirs }: Difference): boolean {
  const kind = theirs === undefined ? undefined : parseChecktxt(decode(theirs))?.kind;
  return kind !== 'fifo' && kind !== 'chr' && kind !== 'blk' && kind !== 'sock';
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** For programs. */
const sides = { X: 'both', L: 'here', R: 'there' } as const;

async function markDifference(
  { cluster, store, log }: Setup,
  difference: Difference,
  options: CompareOptions,
): Promise<void> {
  if (difference.side === 'R' && !options.removals) return;
  const { name, peer } = difference;
  const marks = markDirty(cluster, name, encode(name), false);
  const wanted = options.onlyThisPeer ? marks.filter((change) => isFor(change, peer)) : marks;
  if (wanted.length > 0) log.write(1, messages.markingDirty(name));
  await store.apply(wanted);
}

function isFor(change: Change, peer: string): boolean {
  return change.type !== 'markDirty' || change.peer === encode(peer);
}
