import type { Encoded, FileName } from '../bytes/bytes.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import { sameButUnknownTarget } from '../entry/compare.ts';
import type { Cluster, Pair } from '../groups/cluster.ts';
import { formatCommand } from '../protocol/formatCommand.ts';
import type { ListRow } from '../protocol/values.ts';
import { allNames, exactly, type FilePage, type Store } from '../store/store.ts';
import { callPeer, type Line } from './handshake.ts';
import { type ListStep, listStep, status } from './replies.ts';

/** `X`: both have it and differ; `L`: only here; `R`: only there. */
export type Side = 'X' | 'L' | 'R';

export interface Difference {
  readonly side: Side;
  readonly myname: string;
  readonly peer: string;
  readonly name: FileName;
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
    await peerLine.conversation.ask(formatCommand({ name: 'CAPS', extensions: ['targets'] }), status);
    const list = peerLine.conversation.stream(
      formatCommand({ name: 'LIST', peer: pair.peer, file, keys: pair.keys }),
      listStep,
    );
    const theirs = flatten(list);
    const range = file === undefined ? allNames : exactly(encode(file));
    const ours = sharedRows(store.files(range), (name) => cluster.isShared(pair.peer, pair.keys, name));
    for await (const { side, name } of merge(ours, theirs)) {
      yield { side, myname: pair.myname, peer: pair.peer, name: decode(name) as FileName };
    }
    await peerLine.bye();
  } finally {
    peerLine.hangUp();
  }
}

async function* flatten(steps: AsyncIterable<ListStep>): AsyncGenerator<ListRow, void, undefined> {
  for await (const { rows } of steps) yield* rows;
}

async function* sharedRows(
  pages: AsyncIterable<FilePage>,
  isShared: (name: FileName) => boolean,
): AsyncGenerator<ListRow, void, undefined> {
  for await (const { names, checktxts } of pages) {
    for (const [index, name] of names.entries()) {
      if (isShared(decode(name) as FileName)) yield { name, checktxt: checktxts[index] as Encoded };
    }
  }
}

/** Both ordered by name. */
async function* merge(
  ours: AsyncIterator<ListRow>,
  theirs: AsyncIterator<ListRow>,
): AsyncGenerator<{ readonly side: Side; readonly name: Encoded }, void, undefined> {
  let mine = await ours.next();
  let other = await theirs.next();
  while (mine.done !== true || other.done !== true) {
    if (other.done === true || (mine.done !== true && mine.value.name < other.value.name)) {
      if (mine.done !== true) yield { side: 'L', name: mine.value.name };
      mine = await ours.next();
    } else if (mine.done === true || other.value.name < mine.value.name) {
      yield { side: 'R', name: other.value.name };
      other = await theirs.next();
    } else {
      if (!sameButUnknownTarget(mine.value.checktxt, other.value.checktxt)) yield { side: 'X', name: mine.value.name };
      mine = await ours.next();
      other = await theirs.next();
    }
  }
}
