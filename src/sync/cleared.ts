import type { Encoded } from '../bytes/bytes.ts';
import { unknownChecktxt } from '../entry/checktxt.ts';
import { isSocket, sameButUnknownTarget } from '../entry/compare.ts';
import { type Change, type DirtyRow, exactly, type Store } from '../store/store.ts';

/**
 * Dirty rows that are done with, forgotten in batches once the peer has what was sent on its disk. A row whose file was
 * recorded anew since it was read stays: that change has not been sent. A crash before a batch costs one more question a
 * file, no more.
 */
export class Cleared {
  readonly #store: Store;
  readonly #onDone: () => void;
  #rows: DirtyRow[] = [];
  /** Those among these whose file was another by the time that it was sent, or was gone, or there again. */
  #unrecorded = new Set<DirtyRow>();
  /** For those whose file may have become another without a trace in its row: whether it has. */
  #watched = new Map<DirtyRow, IsOther>();
  /** One batch at a time; what comes together meanwhile is the next. */
  #underWay: Promise<void> = Promise.resolve();
  #doubtful: DirtyRow[] = [];

  /**
   * Asks whether everything that the peer has answered is on its disk; false when the connection has ended, as it does when the
   * peer refuses, which is heard of elsewhere. Undefined: it is not to be asked.
   */
  isOnDisk: (() => Promise<boolean>) | undefined;

  /** `onDone` is called for each row, at once. */
  constructor(store: Store, onDone: () => void) {
    this.#store = store;
    this.#onDone = onDone;
  }

  /** `sent`: the checktxt of what the peer has now; undefined: nothing. Nothing is written yet. */
  add(row: DirtyRow, sent: Encoded | undefined, isOther: IsOther | undefined): void {
    this.#rows.push(row);
    if (isOther !== undefined) this.#watched.set(row, isOther);
    if (!isRecorded(sent, row.checktxt)) this.#unrecorded.add(row);
    this.#onDone();
  }

  /** What was sent of it may have got there or not: the row stays. */
  doubt(row: DirtyRow): void {
    this.#doubtful.push(row);
  }

  /** Enough has come together to be written. */
  get isDue(): boolean {
    return this.#rows.length + this.#doubtful.length >= batchSize;
  }

  /**
   * Begins with what has come together. Waits for the batch before, and fails as that did. One caller at a time, and at a moment
   * at which the peer can be asked something: in the middle of a file's content the question would be taken for a part of it.
   */
  async flush(): Promise<void> {
    await this.#underWay;
    const batch = {
      rows: this.#rows,
      unrecorded: this.#unrecorded,
      watched: this.#watched,
      doubtful: this.#doubtful,
    };
    this.#rows = [];
    this.#unrecorded = new Set();
    this.#watched = new Map();
    this.#doubtful = [];
    this.#underWay = this.#forget(batch);
    // Its failure is heard of when it is waited for.
    this.#underWay.catch(() => undefined);
  }

  /** Everything is forgotten that can be. */
  async finish(): Promise<void> {
    await this.flush();
    await this.#underWay;
  }

  async #forget({ rows, unrecorded, watched, doubtful }: Batch): Promise<void> {
    let toBeChecked: ReadonlySet<Encoded> = new Set();
    if (rows.length > 0 && ((await this.isOnDisk?.()) ?? true)) {
      toBeChecked = await this.#notOvertaken([...unrecorded]);
      await this.#store.apply([
        ...rows.map(({ name, peer, checktxt }): Change => ({
          type: 'clearDirty',
          name,
          peer,
          ifFile: checktxt ?? null,
        })),
        ...[...toBeChecked].map((name): Change => ({ type: 'putFile', name, checktxt: unknownChecktxt })),
      ]);
    }
    const sent = [...rows, ...doubtful];
    if (sent.length > 0) await this.#markOvertaken(sent, toBeChecked);
    if (watched.size > 0) await this.#markOthers(watched);
  }

  /**
   * The peer has what was never recorded here. Were the file to become again what its row says, the next check would see no
   * change, and the peer would keep what it has. So it has to be looked at, unless something else was recorded meanwhile.
   */
  async #notOvertaken(rows: readonly DirtyRow[]): Promise<ReadonlySet<Encoded>> {
    if (rows.length === 0) return new Set();
    const now = await this.#store.fileRows(rows.map(({ name }) => name));
    return new Set(rows.filter(({ name, checktxt }) => now.get(name) === checktxt).map(({ name }) => name));
  }

  /**
   * While a file was on its way, something else was recorded of it. Another host may have overruled us and taken our dirty
   * rows with it: then the peer has what we had, and is to get what we have now. Or the file has changed, and another run
   * of ours may have sent that before ours got there, and be about to clear the row: it clears none of a file that is not
   * recorded as it sent it, and the next check records it anew. `toBeChecked`: what we have recorded ourselves.
   */
  async #markOvertaken(rows: readonly DirtyRow[], toBeChecked: ReadonlySet<Encoded>): Promise<void> {
    const now = await this.#store.fileRows(rows.map(({ name }) => name));
    const changes: Change[] = [];
    for (const { name, peer, myname, checktxt } of rows) {
      if (now.get(name) === (toBeChecked.has(name) ? unknownChecktxt : checktxt)) continue;
      if (await this.#isDirty(name, peer)) changes.push({ type: 'putFile', name, checktxt: unknownChecktxt });
      else changes.push({ type: 'markDirty', name, peer, myname, forced: false });
    }
    if (changes.length > 0) await this.#store.apply(changes);
  }

  /**
   * A check that finds a file changed within the second that its row tells marks it once more, and the row stays as it is. When
   * that mark was made before ours was cleared, it has gone with it.
   */
  async #markOthers(watched: ReadonlyMap<DirtyRow, IsOther>): Promise<void> {
    const changes: Change[] = [];
    for (const [{ name, peer, myname }, isOther] of watched) {
      if (!isOther() || (await this.#isDirty(name, peer))) continue;
      changes.push({ type: 'markDirty', name, peer, myname, forced: false });
    }
    if (changes.length > 0) await this.#store.apply(changes);
  }

  async #isDirty(name: Encoded, peer: Encoded): Promise<boolean> {
    for await (const rows of this.#store.dirty({ range: exactly(name), peer })) if (rows.length > 0) return true;
    return false;
  }
}

/** Is a file another than the one that was sent, though of the same second? */
export type IsOther = () => boolean;

interface Batch {
  readonly rows: readonly DirtyRow[];
  readonly unrecorded: ReadonlySet<DirtyRow>;
  readonly watched: ReadonlyMap<DirtyRow, IsOther>;
  readonly doubtful: readonly DirtyRow[];
}

/** Peers are told nothing of sockets, so one is as good as another. */
function isRecorded(sent: Encoded | undefined, row: Encoded | undefined): boolean {
  if (sent === undefined || row === undefined) return sent === row;
  return sameButUnknownTarget(sent, row) || (isSocket(sent) && isSocket(row));
}

const batchSize = 2000;
