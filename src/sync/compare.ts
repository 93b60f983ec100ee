import type { Encoded, FileName } from '../bytes/bytes.ts';
import { sleepSync } from '../bytes/sleepSync.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import { sameButUnknownTarget } from '../entry/compare.ts';
import type { Cluster, Coverage, Pair } from '../groups/cluster.ts';
import { isCleanName } from '../groups/names.ts';
import { lineFilter } from '../groups/coverage.ts';
import { formatCommand } from '../protocol/formatCommand.ts';
import { printable } from '../log/printable.ts';
import { RowReader } from '../store/rowReader.ts';
import { allNames, exactly, type Store } from '../store/store.ts';
import { ConversationError } from './conversationError.ts';
import { callPeer, type Line } from './handshake.ts';
import { type ListStep, listStep, status } from './replies.ts';

/** `X`: both have it and differ; `L`: only here; `R`: only there. */
export type Side = 'X' | 'L' | 'R';

export interface Difference {
  readonly side: Side;
  readonly myname: string;
  readonly peer: string;
  readonly name: FileName;
  /** What the peer's row says of it, encoded; undefined: the peer has no row. */
  readonly theirs: Encoded | undefined;
}

export interface CompareContext {
  readonly cluster: Cluster;
  readonly store: Store;
  readonly line: Line;
}

/** Differences between our file rows and a peer's, in byte order of encoded names. Both sides are read as streams. */
export async function* comparePair(
  { cluster, store, line }: CompareContext,
  pair: Pair,
  file: FileName | undefined,
): AsyncGenerator<Difference, void, undefined> {
  const peerLine = await callPeer(line, pair.peer);
  try {
    await peerLine.mustHello(pair.myname);
    // A C server answers with an error line and lists empty targets for links under a prefix: these equal any.
    const { ok } = await peerLine.conversation.ask(formatCommand({ name: 'CAPS', extensions: ['targets'] }), status);
    const list = peerLine.conversation.stream(
      formatCommand({ name: 'LIST', peer: pair.peer, file, keys: pair.keys }),
      listStep,
    );
    const theirs = new RowReader(ok ? linesOf(list) : collected(linesOf(list)), strayAnswer);
    const range = file === undefined ? allNames : exactly(encode(file));
    const ours = new RowReader(shared(store.fileLines(range), cluster.sharedWith(pair.peer, pair.keys)));
    while (await eitherHasRows(ours, theirs)) {
      for (const { side, name: encoded, theirs: row } of differences(ours, theirs)) {
        const name = decode(encoded);
        if (!isCleanName(name)) throw strayAnswer(name);
        yield { side, myname: pair.myname, peer: pair.peer, name, theirs: row };
      }
    }
    await peerLine.bye();
  } finally {
    peerLine.hangUp();
  }
}

async function* linesOf(steps: AsyncIterable<ListStep>): AsyncGenerator<string, void, undefined> {
  for await (const { lines } of steps) yield lines;
}

/**
 * C servers send line by line. To be woken for every one costs both sides more than the line itself, so this thread sleeps
 * until some have come together; a longer sleep would let the socket fill.
 */
async function* collected(pieces: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  for await (const lines of pieces) {
    yield lines;
    sleepSync(aMoment);
  }
}

/** Milliseconds. */
const aMoment = 0.15;

function strayAnswer(line: string): ConversationError {
  return new ConversationError('OUT_OF_STEP', `unexpected answer: ${printable(line)}`);
}

async function* shared(pages: AsyncIterable<string>, coverage: Coverage): AsyncGenerator<string, void, undefined> {
  const keep = lineFilter(coverage);
  for await (const lines of pages) yield keep(lines);
}

async function eitherHasRows(ours: RowReader, theirs: RowReader): Promise<boolean> {
  const mine = await ours.fill();
  return (await theirs.fill()) || mine;
}

/** What differs as far as both sides have a row at hand, or one is over. */
function* differences(
  ours: RowReader,
  theirs: RowReader,
): Generator<{ readonly side: Side; readonly name: Encoded; readonly theirs: Encoded | undefined }, void, undefined> {
  for (;;) {
    ours.skipCommon(theirs);
    const mine = ours.row;
    const other = theirs.row;
    if ((mine === undefined && !ours.isOver) || (other === undefined && !theirs.isOver)) return;
    if (mine !== undefined && (other === undefined || mine.name < other.name)) {
      yield { side: 'L', name: mine.name, theirs: undefined };
      ours.step();
    } else if (other !== undefined && (mine === undefined || other.name < mine.name)) {
      yield { side: 'R', name: other.name, theirs: other.checktxt };
      theirs.step();
    } else if (mine !== undefined && other !== undefined) {
      if (!sameButUnknownTarget(mine.checktxt, other.checktxt)) {
        yield { side: 'X', name: mine.name, theirs: other.checktxt };
      }
      ours.step();
      theirs.step();
    } else {
      return;
    }
  }
}
