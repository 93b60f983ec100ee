import type { DiskPath, Encoded, FileName } from '../bytes/bytes.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import { encodedChecktxt } from '../entry/checktxt.ts';
import type { Entry, Ignored } from '../entry/entry.ts';
import { isChangedSince, nanosecondsOf, stampOf, youngAt } from '../entry/young.ts';
import { inspect } from '../filesystem/inspect.ts';
import type { Cluster } from '../groups/cluster.ts';
import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { formatCommand } from '../protocol/formatCommand.ts';
import { classifyReply, replies } from '../protocol/replies.ts';
import { below, type Change, exactly, type Store } from '../store/store.ts';
import { ChannelError } from '../transport/channel.ts';
import { Cleared } from './cleared.ts';
import { type DirtyFile, dirtyFiles, type Selection } from './dirtyFiles.ts';
import { FileUpdate, type FileOutcome } from './fileUpdate.ts';
import { callPeer, type Line, type PeerLine } from './handshake.ts';
import { describeFailure } from './failure.ts';
import { NewDirectories } from './newDirectories.ts';
import { NotMounted } from './notMounted.ts';
import { onDisk } from './replies.ts';
import { Transfers } from './transfers.ts';

/** Whoever wants to know how far it is. */
export interface UpdateWatch {
  /** What is dirty for this peer is about to be gone through, or once more after something had to be marked. */
  begins(update: PeerUpdate): Promise<void>;
  /** A file needs no more attention, whether it was sent, is the same, or could not be sent. */
  settled(peer: string): void;
  ends(peer: string): void;
}

export interface UpdateOptions {
  readonly dryRun: boolean;
  readonly selection: Selection;
  /** Called when a peer that was connected to, or could not be, is done with. `trouble`: the last of it, if any. */
  readonly onContact?: (peer: string, trouble: string | undefined) => Promise<void>;
  readonly watch?: UpdateWatch | undefined;
  /** Prints a line of the dry run. */
  readonly print: (line: string) => void;
}

export interface UpdateContext {
  readonly cluster: Cluster;
  readonly store: Store;
  readonly ignored: Ignored;
  readonly log: Log;
  readonly line: Line;
  readonly options: UpdateOptions;
  /** Says so when the file system that a path was on is not mounted. `isGone`: a moment ago nothing was found there. */
  readonly isLost: (path: DiskPath, isGone: boolean) => boolean;
  /** Aborted: no other file is begun, and peers are left in good order. */
  readonly stopping: AbortSignal;
}

/** Files whose SIG is under way, ahead of the one that is being worked on. */
const filesAhead = 64;

/**
 * Sends one peer all that is dirty for it. Nothing is connected to before there is something to send. Trouble with a file is
 * counted and the next file follows; trouble with the connection ends this peer only.
 */
export class PeerUpdate {
  readonly context: UpdateContext;
  readonly peer: string;
  readonly newDirectories = new NewDirectories();
  readonly notMounted: NotMounted;
  /** Files about which the peer was told that our version counts, whatever it has. */
  readonly overruledNames = new Set<Encoded>();
  readonly #cleared: Cleared;
  /** Parents that the peer reported missing and that were marked once. */
  readonly #missingParents = new Set<string>();
  readonly #skipped: string[] = [];
  /** Names of ours that the peer refused. */
  readonly #unwelcome = new Set<string>();
  /** How files of which all is sent will end; those that are known to have ended well are taken out. */
  #settling: Promise<void>[] = [];
  /** Files that could not be sent to their ends. */
  readonly #brokenOff = new Set<FileName>();
  /** The beginning of the second in which this began: nanoseconds since the epoch. */
  readonly #begun = youngAt(Date.now()).from;
  /** We have ended the connection ourselves, for a file. */
  #isBrokenOff = false;
  #line: PeerLine | undefined;
  /** With a peer that takes a file in one request. */
  #transfers: Transfers | undefined;
  /** The last thing that went wrong with this peer. */
  trouble: string | undefined;

  constructor(context: UpdateContext, peer: string) {
    this.context = context;
    this.peer = peer;
    this.notMounted = new NotMounted(context.log, peer);
    this.#cleared = new Cleared(context.store, () => this.noteSettled());
  }

  async run(): Promise<void> {
    const { watch } = this.context.options;
    try {
      do await watch?.begins(this);
      while (await this.#passOrBreakOff());
      await this.#line?.bye();
      // That was answered when everything was.
      this.#cleared.isOnDisk = undefined;
    } catch (error) {
      this.#connectionLost(error);
    } finally {
      this.#line?.hangUp();
      await this.#concludeAll();
      this.notMounted.conclude();
      watch?.ends(this.peer);
    }
    if (this.#line !== undefined || this.trouble !== undefined) {
      await this.context.options.onContact?.(this.peer, this.trouble);
    }
  }

  /** Bytes that are on their way, as far as the peer tells. */
  get unanswered(): number {
    return this.#transfers?.unanswered ?? 0;
  }

  noteSettled(): void {
    this.context.options.watch?.settled(this.peer);
  }

  /** Nothing more is to be begun. */
  get stopping(): boolean {
    return this.context.stopping.aborted;
  }

  get line(): PeerLine {
    if (this.#line === undefined) throw new Error('not connected');
    return this.#line;
  }

  /**
   * The peer waits for the rest of a file that cannot be had: only the end of the connection tells it so. The other files go
   * over another one.
   */
  breakOff(file: DirtyFile): void {
    this.#brokenOff.add(file.name);
    this.#isBrokenOff = true;
    this.line.hangUp();
  }

  async #passOrBreakOff(): Promise<boolean> {
    let again = false;
    try {
      again = await this.#pass();
    } catch (error) {
      if (!this.#isBrokenOff) throw error;
    }
    if (!this.#isBrokenOff) return again;
    this.#isBrokenOff = false;
    await this.#concludeAll();
    this.#line = undefined;
    this.#transfers = undefined;
    return !this.stopping;
  }

  /** Deletions, then creations. True when the peer has to be started over. */
  async #pass(): Promise<boolean> {
    this.notMounted.restart();
    for (const what of ['deletions', 'creations'] as const) {
      const files = dirtyFiles(this.context, this.peer, what);
      if ((await this.#send(files)) === 'start over') {
        await this.#cleared.finish();
        return true;
      }
    }
    return false;
  }

  /** Keeps a number of files under way: their SIGs are sent ahead, everything with an effect strictly in order. */
  async #send(files: AsyncIterable<DirtyFile>): Promise<'done' | 'start over'> {
    const ahead: FileUpdate[] = [];
    // While the peer is at work on a file, the next ones are looked at.
    let finishing: Promise<boolean> | undefined;
    for await (const file of files) {
      if (await finishing) return 'start over';
      finishing = undefined;
      if (this.stopping) break;
      if (this.#cleared.isDue) await this.#cleared.flush();
      const myname = decode(file.row.myname);
      if (this.#isSkipped(file.name) || this.#unwelcome.has(myname)) continue;
      const line = await this.#connect();
      if (this.#transfers !== undefined) {
        if (line.myname !== myname && (await this.#transfers.settle())) return 'start over';
        if (!(await this.#introduce(line, myname))) continue;
        if (await this.#transfers.send(file)) return 'start over';
        continue;
      }
      const room = line.myname === myname ? filesAhead : 1;
      while (ahead.length >= room) if (await this.#finishFirst(ahead)) return 'start over';
      if (!(await this.#introduce(line, myname))) continue;
      const update = new FileUpdate(this, file);
      update.begin();
      ahead.push(update);
      finishing = ahead.length < filesAhead ? undefined : this.#finishFirst(ahead);
      // Heard of when it is waited for.
      finishing?.catch(() => undefined);
    }
    if (await finishing) return 'start over';
    while (ahead.length > 0 && !this.stopping) if (await this.#finishFirst(ahead)) return 'start over';
    if (this.#transfers !== undefined && (await this.#transfers.settle())) return 'start over';
    await this.#settleAll();
    return 'done';
  }

  /** False when the peer does not take us for whom we say we are: then all rows under that name stay dirty. */
  async #introduce(line: PeerLine, myname: string): Promise<boolean> {
    const refusal = await line.hello(myname);
    if (refusal === undefined) return true;
    this.#unwelcome.add(myname);
    const isPlain = classifyReply(refusal) === 'tlsExpected';
    const advice = isPlain ? messages.compareNossl(this.peer) : messages.askPeerWhy(this.peer, myname);
    this.trouble = `${refusal} ${advice}`;
    this.context.log.error(messages.errorFromPeer(this.peer, refusal));
    this.context.log.write(0, advice);
    return false;
  }

  /** True when the peer has to be started over. */
  async #finishFirst(ahead: FileUpdate[]): Promise<boolean> {
    const update = ahead.shift() as FileUpdate;
    const { settled } = await this.tried(update.file, update.finish());
    if (settled === 'parent missing') return this.#parentMissing(update.file);
    this.concludeLater(update, settled);
    if (this.#settling.length >= unsettledAtOnce) await this.#settleAll();
    return false;
  }

  /** Once it is known how a file ended, its row is cleared or kept. */
  concludeLater(update: FileUpdate, settled: Promise<FileOutcome> | FileOutcome): void {
    const outcome = this.tried(update.file, Promise.resolve(settled));
    this.#settleLater(outcome.then((known) => this.#conclude(update, known)));
  }

  /** The peer has what was to be sent: `sent`, or nothing. */
  clear({ row, path }: DirtyFile, sent: Entry | undefined): void {
    const checktxt = sent && encodedChecktxt(sent, this.context.ignored);
    // What is older than this run has been left alone since the second of its time was over.
    const mayHaveChanged = sent?.kind === 'reg' && nanosecondsOf(sent) >= this.#begun;
    this.#cleared.add(row, checktxt, mayHaveChanged ? () => isAnother(path, sent) : undefined);
  }

  /** What was sent of it may have got there or not. */
  doubt({ row }: DirtyFile): void {
    this.#cleared.doubt(row);
  }

  /** A file of which something may have been sent when this fails. */
  async tried<Result>(file: DirtyFile, work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      this.doubt(file);
      throw error;
    }
  }

  #settleLater(settling: Promise<void>): void {
    // A lost connection rejects many of these at once; the first one awaited tells.
    settling.catch(() => undefined);
    this.#settling.push(settling);
  }

  async #settleAll(): Promise<void> {
    const { length } = this.#settling;
    await Promise.all(this.#settling);
    this.#settling = this.#settling.slice(length);
  }

  /** The connection has ended: whatever became of the files that were under way over it is noted before anything else begins. */
  async #concludeAll(): Promise<void> {
    const settling = this.#settling;
    this.#settling = [];
    await Promise.allSettled(settling);
    await this.#cleared.finish();
  }

  #conclude({ file, sent }: FileUpdate, outcome: FileOutcome): void {
    if (outcome === 'done') this.clear(file, sent);
    if (outcome === 'kept') this.doubt(file);
  }

  async #connect(): Promise<PeerLine> {
    if (this.#line !== undefined) return this.#line;
    const { line, options } = this.context;
    // A dry run asks for signatures, which change nothing.
    this.#line = await callPeer(line, this.peer, options.dryRun ? [] : ['xput', 'sync']);
    if (this.#line.extensions.has('sync')) this.#cleared.isOnDisk = () => this.#isOnDisk();
    if (this.#line.extensions.has('xput')) {
      const isSkipped = (file: DirtyFile): boolean => this.#isSkipped(file.name);
      this.#transfers = new Transfers(this, (file) => this.#parentMissing(file), isSkipped);
    }
    return this.#line;
  }

  async #isOnDisk(): Promise<boolean> {
    const { conversation } = this.line;
    try {
      await conversation.ask(formatCommand({ name: 'SYNC' }), onDisk);
      return true;
    } catch (error) {
      if (conversation.failed) return false;
      throw error;
    }
  }

  /** Could a conflict about this file be decided for us? Then its answer must be waited for. */
  mayWin(file: DirtyFile): boolean {
    const rule = this.context.cluster.conflictRule(this.peer, file.name);
    return rule.peerIsOurSlave || rule.auto !== 'none';
  }

  /**
   * The peer lacks the directory of a file. Once for each directory, everything in it is marked for this peer and the peer
   * is started over; the second time what is below it is left for another run.
   */
  async #parentMissing({ name, row }: DirtyFile): Promise<boolean> {
    const { log, store } = this.context;
    await this.#settleAll();
    // It was asked about before it was known that nothing gets there.
    if (this.#isSkipped(name)) return false;
    const parent = parentOf(name);
    const again = parent === undefined || this.#missingParents.has(parent);
    log.write(1, messages.fileStaysDirty);
    if (again) {
      log.write(0, messages.whileSyncing(name));
      log.write(0, messages.errorFromPeer(this.peer, replies.parentMissing));
      log.error(messages.missingParent(parent ?? `${name}/..`));
      this.#skipped.push(`${parent ?? name}/`);
      return false;
    }
    log.write(1, messages.missingParent(parent));
    this.#missingParents.add(parent);
    const encoded = encode(parent);
    const mark = (marked: Encoded): Change => {
      log.write(1, messages.markingDirty(decode(marked)));
      return { type: 'markDirty', name: marked, peer: row.peer, myname: row.myname, forced: false };
    };
    for (const range of [exactly(encoded), below(encoded)]) {
      for await (const { names } of store.files(range)) await store.apply(names.map(mark));
    }
    return true;
  }

  #isSkipped(name: FileName): boolean {
    return this.#brokenOff.has(name) || this.#skipped.some((directory) => name.startsWith(directory));
  }

  /** Whatever ended the conversation: this peer's files stay dirty, other peers are not affected. */
  #connectionLost(error: unknown): void {
    const { log, stopping } = this.context;
    if (stopping.aborted && error === stopping.reason) return;
    const reason = describeFailure(error, this.peer);
    this.trouble = reason;
    // A peer that cannot be reached is one error; one that talks and then fails is two, as scripts know it.
    if (error instanceof ChannelError && beforeConnection.has(error.code)) log.write(0, reason);
    else log.error(reason);
    log.error(messages.connectionFailed(this.peer));
    log.write(0, messages.hostStaysDirty);
  }
}

/** Has it been changed since it was sent, within the same second? */
function isAnother(path: DiskPath, sent: Entry): boolean {
  const found = inspect(path);
  return found.state === 'present' && isChangedSince(stampOf(sent), found.entry);
}

const beforeConnection: ReadonlySet<string> = new Set(['CONNECT', 'CONNECT_TIMEOUT', 'RESOLVE']);

/** Files of which all is sent and not everything is answered. */
const unsettledAtOnce = 256;

/** Undefined: the file is where a prefix leads to, or right below the root directory. */
function parentOf(name: FileName): FileName | undefined {
  const end = name.lastIndexOf('/');
  return end > 0 ? (name.slice(0, end) as FileName) : undefined;
}
