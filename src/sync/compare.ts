import type { Encoded, FileName } from '../bytes/bytes.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import { sameButUnknownTarget } from '../entry/compare.ts';
import type { Cluster, Pair } from '../groups/cluster.ts';
import { rowFilter } from '../groups/coverage.ts';
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
    const theirs = new RowFeed(rowsOf(list));
    const range = file === undefined ? allNames : exactly(encode(file));
    const ours = new RowFeed(shared(store.files(range), rowFilter(cluster.sharedWith(pair.peer, pair.keys))));
    while (await eitherHasRows(ours, theirs)) {
      for (const { side, name } of differences(ours, theirs)) {
        yield { side, myname: pair.myname, peer: pair.peer, name: decode(name) as FileName };
      }
    }
    await peerLine.bye();
  } finally {
    peerLine.hangUp();
  }
}

async function* rowsOf(steps: AsyncIterable<ListStep>): AsyncGenerator<readonly ListRow[], void, undefined> {
  for await (const { rows } of steps) yield rows;
}

async function* shared(
  pages: AsyncIterable<FilePage>,
  isShared: (name: Encoded) => boolean,
): AsyncGenerator<readonly ListRow[], void, undefined> {
  for await (const { names, checktxts } of pages) {
    const rows: ListRow[] = [];
    for (const [index, name] of names.entries()) {
      if (isShared(name)) rows.push({ name, checktxt: checktxts[index] as Encoded });
    }
    yield rows;
  }
}

/** Rows from pages. Within a page they come without waiting. */
class RowFeed {
  readonly #pages: AsyncIterator<readonly ListRow[]>;
  #page: readonly ListRow[] = [];
  #next = 0;
  /** There are no more pages. */
  isOver = false;

  constructor(pages: AsyncIterable<readonly ListRow[]>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** Undefined: this page is used up, and unless `isOver`, `fill` is due. */
  get row(): ListRow | undefined {
    return this.#page[this.#next];
  }

  step(): void {
    this.#next += 1;
  }

  /** True when there is a row at hand, after waiting for one if need be. */
  async fill(): Promise<boolean> {
    while (this.row === undefined && !this.isOver) {
      const next = await this.#pages.next();
      this.isOver = next.done === true;
      this.#page = next.done === true ? [] : next.value;
      this.#next = 0;
    }
    return this.row !== undefined;
  }
}

async function eitherHasRows(ours: RowFeed, theirs: RowFeed): Promise<boolean> {
  const mine = await ours.fill();
  return (await theirs.fill()) || mine;
}

/** What differs as far as both sides have a row at hand, or one is over. */
function* differences(
  ours: RowFeed,
  theirs: RowFeed,
): Generator<{ readonly side: Side; readonly name: Encoded }, void, undefined> {
  for (;;) {
    const mine = ours.row;
    const other = theirs.row;
    if ((mine === undefined && !ours.isOver) || (other === undefined && !theirs.isOver)) return;
    if (mine !== undefined && (other === undefined || mine.name < other.name)) {
      yield { side: 'L', name: mine.name };
      ours.step();
    } else if (other !== undefined && (mine === undefined || other.name < mine.name)) {
      yield { side: 'R', name: other.name };
      theirs.step();
    } else if (mine !== undefined && other !== undefined) {
      if (!sameButUnknownTarget(mine.checktxt, other.checktxt)) yield { side: 'X', name: mine.name };
      ours.step();
      theirs.step();
    } else {
      return;
    }
  }
}
