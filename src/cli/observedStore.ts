import type { Encoded } from '../bytes/bytes.ts';
import type {
  ActionRow,
  Change,
  ContactRow,
  DirtyQuery,
  DirtyRow,
  FilePage,
  HintRow,
  MarkBatch,
  NameRange,
  Store,
  UnfinishedRow,
} from '../store/store.ts';

/** Learns what a run does from what it asks of its database. */
export interface StoreObserver {
  /** So many more file rows were read. */
  read(rows: number): void;
  /** These changes were committed. */
  changed(changes: readonly Change[]): void;
}

/** A store that tells an observer. */
export class ObservedStore implements Store {
  readonly #store: Store;
  readonly #observer: StoreObserver;

  constructor(store: Store, observer: StoreObserver) {
    this.#store = store;
    this.#observer = observer;
  }

  async *files(range: NameRange): AsyncGenerator<FilePage> {
    for await (const page of this.#store.files(range)) {
      this.#observer.read(page.names.length);
      yield page;
    }
  }

  async *fileLines(range: NameRange): AsyncGenerator<string> {
    for await (const lines of this.#store.fileLines(range)) {
      this.#observer.read(countLines(lines));
      yield lines;
    }
  }

  fileRows(names: readonly Encoded[]): Promise<ReadonlyMap<Encoded, Encoded>> {
    return this.#store.fileRows(names);
  }

  nameAfter(range: NameRange, rows: number): Promise<Encoded | undefined> {
    return this.#store.nameAfter(range, rows);
  }

  fileCount(range: NameRange): Promise<number> {
    return this.#store.fileCount(range);
  }

  dirtyPeers(): Promise<Encoded[]> {
    return this.#store.dirtyPeers();
  }

  dirty(query: DirtyQuery): AsyncIterable<readonly DirtyRow[]> {
    return this.#store.dirty(query);
  }

  dirtyCounts(range: NameRange): Promise<ReadonlyMap<Encoded, number>> {
    return this.#store.dirtyCounts(range);
  }

  dirtyAmong(names: readonly Encoded[]): Promise<ReadonlySet<Encoded>> {
    return this.#store.dirtyAmong(names);
  }

  hints(): Promise<readonly HintRow[]> {
    return this.#store.hints();
  }

  actions(): Promise<readonly ActionRow[]> {
    return this.#store.actions();
  }

  certificate(peer: Encoded): Promise<string | undefined> {
    return this.#store.certificate(peer);
  }

  certificates(): Promise<readonly { peer: Encoded; certificate: string }[]> {
    return this.#store.certificates();
  }

  marks(): Promise<readonly MarkBatch[]> {
    return this.#store.marks();
  }

  contacts(): Promise<readonly ContactRow[]> {
    return this.#store.contacts();
  }

  unfinished(kind?: UnfinishedRow['kind']): Promise<readonly UnfinishedRow[]> {
    return this.#store.unfinished(kind);
  }

  mounts(): Promise<readonly Encoded[]> {
    return this.#store.mounts();
  }

  young(names?: readonly Encoded[]): Promise<ReadonlyMap<Encoded, string>> {
    return this.#store.young(names);
  }

  size(): Promise<number> {
    return this.#store.size();
  }

  async apply(changes: readonly Change[]): Promise<void> {
    await this.#store.apply(changes);
    this.#observer.changed(changes);
  }

  flush(): Promise<void> {
    return this.#store.flush();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
