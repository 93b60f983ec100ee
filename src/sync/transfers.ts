import type { Entry } from '../entry/entry.ts';
import { Problem } from '../filesystem/problem.ts';
import * as messages from '../log/messages.ts';
import type { ReplyKind } from '../protocol/replies.ts';
import { resolveConflict } from './conflict.ts';
import type { LineReceiver } from './conversation.ts';
import type { DirtyFile } from './dirtyFiles.ts';
import { FileUpdate, type Under } from './fileUpdate.ts';
import { Leaning } from './leaning.ts';
import { type Status, statusOf } from './replies.ts';
import { changeRequest, deletionRequest, isLarge, type Manner } from './transferRequest.ts';
import type { PeerUpdate } from './updatePeer.ts';

/** What the run has to do about a file that could not be placed. */
export interface MissingParent {
  /** True: start over; false: what is below that directory is passed over from now on. */
  (file: DirtyFile): Promise<boolean>;
}

/** Requests without an answer, and bytes of content in them, up to which more are sent, and down to which is then waited. */
const most = { requests: 1024, bytes: 4 << 20 };
const least = { requests: 768, bytes: 3 << 20 };

/**
 * Files on their way to a peer that speaks `xput`: one request each, many under way at the same time. Answers come in
 * order; those that need no more than a note are dealt with as they come, the others wait in line for `settle` or for the
 * next file, so that nothing is sent from within an answer.
 */
export class Transfers {
  readonly #run: PeerUpdate;
  readonly #missingParent: MissingParent;
  readonly #isSkipped: (file: DirtyFile) => boolean;
  readonly #leaning = new Leaning();
  /** Answers that ask for more. */
  #open: Sent[] = [];
  /** Directories that were sent again after files below them had been sent. */
  readonly #late: string[] = [];
  #requests = 0;
  #bytes = 0;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(run: PeerUpdate, missingParent: MissingParent, isSkipped: (file: DirtyFile) => boolean) {
    this.#run = run;
    this.#missingParent = missingParent;
    this.#isSkipped = isSkipped;
  }

  /** Bytes that were sent and that the peer has not answered. */
  get unanswered(): number {
    return this.#bytes;
  }

  /** Sends one file, or as much of it as can be sent now. True when the peer has to be started over. */
  async send(file: DirtyFile): Promise<boolean> {
    if (this.#requests >= most.requests || this.#bytes >= most.bytes) {
      while (this.#requests > least.requests || this.#bytes > least.bytes) await this.#answers();
    }
    if (this.#open.length > 0 && (await this.#settleOpen())) return true;
    const { found, row } = file;
    if (this.#isSkipped(file)) return false;
    if (found.state === 'error') {
      new FileUpdate(this.#run, file).localTrouble(found.problem);
    } else if (isLarge(file)) {
      const update = new FileUpdate(this.#run, file);
      update.begin();
      return this.#conclude(update, await this.#run.tried(file, update.finish()));
    } else if (found.state === 'present' && found.entry.kind === 'sock') {
      this.#run.clear(file, found.entry);
    } else {
      this.#request(file, row.forced, this.#leaning.expectsToSend ? 'guess' : 'name');
    }
    return false;
  }

  /** Everything that was sent is answered and dealt with. True when the peer has to be started over. */
  async settle(): Promise<boolean> {
    while (this.#requests > 0 || this.#open.length > 0) {
      if (this.#open.length > 0 && (await this.#settleOpen())) return true;
      if (this.#requests > 0 && this.#open.length === 0) await this.#answers();
    }
    return false;
  }

  #request(file: DirtyFile, force: boolean, manner: Manner, earlier?: Sent): void {
    const found = file.found.state === 'present' ? file.found.entry : undefined;
    const request = found === undefined ? deletionRequest(file, force) : changeRequest(file, found, force, manner);
    if (request instanceof Problem) {
      new FileUpdate(this.#run, file).localTrouble(request);
      return;
    }
    if (force) this.#run.overruledNames.add(file.row.name);
    const bytes = request.line.length + (request.content?.length ?? 0);
    this.#requests += 1;
    this.#bytes += bytes;
    const sent = new Sent(this, file, request.entry, bytes, force, earlier);
    this.#run.line.conversation.request(request.line, request.content, sent);
  }

  /** An answer has come. */
  take(sent: Sent, line: string): void {
    this.#requests -= 1;
    this.#bytes -= sent.bytes;
    this.#announce(sent);
    const answer = statusOf(line);
    const { kind, ok } = answer;
    const { file, entry } = sent;
    const needsContent = kind === 'sendData' || kind === 'pathNotFound';
    const gone = entry === undefined && kind === 'parentMissing';
    if (entry?.kind === 'reg') this.#leaning.note(kind !== 'same');
    if (!gone && (!ok || (needsContent && entry?.kind === 'reg'))) {
      sent.answer = answer;
      this.#open.push(sent);
    } else {
      if (kind === 'same' || kind === 'notFound') this.#run.context.log.write(1, messages.upToDate);
      this.#run.clear(file, entry);
    }
    this.#wakeUp();
  }

  /** The connection was lost before the answer came. */
  fail(sent: Sent, error: unknown): void {
    this.#failure ??= error;
    this.#run.doubt(sent.file);
    this.#wakeUp();
  }

  #announce({ file, entry, earlier, force }: Sent): void {
    const { log } = this.#run.context;
    // Content that was asked for belongs to what was announced already; a conflict that was won begins anew.
    if (!log.wants(1) || (earlier !== undefined && !(force && !earlier.force))) return;
    const text = entry === undefined ? messages.deleting : messages.updating;
    log.write(1, text(file.name, this.#run.peer));
  }

  async #settleOpen(): Promise<boolean> {
    while (this.#open.length > 0) {
      const open = this.#open;
      this.#open = [];
      for (const sent of open) if (await this.#settleOne(sent)) return true;
    }
    return false;
  }

  async #settleOne(sent: Sent): Promise<boolean> {
    const { file, entry } = sent;
    const answer = sent.answer as Status;
    if (this.#run.stopping && asksForMore.has(answer.kind)) return false;
    if (answer.kind === 'sendData') return this.#sendDifference(sent);
    if (answer.kind === 'parentMissing') return this.#lacksParent(sent);
    if (answer.kind === 'pathNotFound') {
      this.#request(file, sent.force, 'whole', sent);
      return false;
    }
    const update = new FileUpdate(this.#run, file);
    if (answer.kind === 'conflict' && !sent.force && (await resolveConflict(update, entry))) this.#overrule(sent);
    else update.refused(answer);
    return false;
  }

  /** The peer has another content: little is sent whole, of much only what is different. */
  async #sendDifference(sent: Sent): Promise<boolean> {
    const { file, entry } = sent;
    this.#run.context.log.write(2, messages.contentDiffers);
    if (entry === undefined || entry.size <= wholeBelow) {
      this.#request(file, sent.force, 'whole', sent);
      return false;
    }
    const update = new FileUpdate(this.#run, file);
    return this.#conclude(update, await this.#run.tried(file, update.sendChange(entry)));
  }

  #overrule(sent: Sent): void {
    if (sent.entry?.kind === 'dir') this.#late.push(sent.file.name + '/');
    this.#request(sent.file, true, 'whole', sent);
  }

  async #lacksParent(sent: Sent): Promise<boolean> {
    const { file, earlier } = sent;
    if (this.#isSkipped(file)) return false;
    if (earlier === undefined && this.#late.some((directory) => file.name.startsWith(directory))) {
      this.#request(file, sent.force, 'whole', sent);
      return false;
    }
    return this.#startOver(file);
  }

  /**
   * Whatever else is under way counts before the peer is started over. What its answers leave open is asked anew then: they
   * tell nothing about how things are after that.
   */
  async #startOver(file: DirtyFile): Promise<boolean> {
    while (this.#requests > 0) await this.#answers();
    const startsOver = await this.#missingParent(file);
    if (startsOver) this.#open = [];
    return startsOver;
  }

  async #conclude(update: FileUpdate, under: Under): Promise<boolean> {
    if (under.settled === 'parent missing') return this.#startOver(update.file);
    this.#run.concludeLater(update, under.settled);
    return false;
  }

  /** Waits for the next answers. Fails when there will be none. */
  async #answers(): Promise<void> {
    if (this.#failure === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** Answers that lead to further requests. */
const asksForMore: ReadonlySet<ReplyKind> = new Set(['sendData', 'pathNotFound', 'parentMissing', 'conflict']);

/** Of content beyond this size only the difference is sent. */
const wholeBelow = 64 << 10;

/** A request that has no answer yet, or an answer that asks for more. */
class Sent implements LineReceiver {
  readonly file: DirtyFile;
  /** Undefined: a deletion. */
  readonly entry: Entry | undefined;
  readonly bytes: number;
  readonly force: boolean;
  /** The request about the same file whose answer led to this one. */
  readonly earlier: Sent | undefined;
  answer: Status | undefined;
  readonly #transfers: Transfers;

  constructor(
    transfers: Transfers,
    file: DirtyFile,
    entry: Entry | undefined,
    bytes: number,
    force: boolean,
    earlier: Sent | undefined,
  ) {
    this.#transfers = transfers;
    this.file = file;
    this.entry = entry;
    this.bytes = bytes;
    this.force = force;
    this.earlier = earlier;
  }

  receive(line: string): void {
    this.#transfers.take(this, line);
  }

  reject(error: unknown): void {
    this.#transfers.fail(this, error);
  }
}
