import { wireChecktxt } from '../entry/checktxt.ts';
import type { Entry } from '../entry/entry.ts';
import type { OpenFile } from '../filesystem/openFile.ts';
import { messageFor, Problem, problemFrom } from '../filesystem/problem.ts';
import { openSettled } from '../filesystem/settle.ts';
import { LibrsyncError, matchesSignature, matchesSignatureChunks, signatureLength } from '../librsync/index.ts';
import * as messages from '../log/messages.ts';
import type { FileCommand } from '../protocol/commands.ts';
import { formatCommand } from '../protocol/formatCommand.ts';
import { requestLineLimit } from '../protocol/inbox.ts';
import { resolveConflict } from './conflict.ts';
import type { Conversation, ReplyParser } from './conversation.ts';
import type { DirtyFile } from './dirtyFiles.ts';
import { type SignatureReply, signatureReply, type Status, status } from './replies.ts';
import { sendContent } from './sendContent.ts';
import type { PeerUpdate } from './updatePeer.ts';

/**
 * How a file ended. `kept`: an error that has been reported, the row stays dirty. `parent missing`: the peer lacks
 * the directory. `shown`: a dry run, nothing was done.
 */
export type FileOutcome = 'done' | 'kept' | 'parent missing' | 'shown';

/** The next file may go ahead; how this one ends is known when `settled` resolves. Not a bare promise, which `await` would unwrap. */
export interface Under {
  readonly settled: Promise<FileOutcome> | FileOutcome;
}

/** Above this a file is hashed piece by piece, so that other peers and their replies are served in between. */
const smallFile = 1 << 20;

/** One dirty file on its way to one peer. */
export class FileUpdate {
  readonly file: DirtyFile;
  readonly run: PeerUpdate;
  /** What the peer has when all went well; undefined: nothing. */
  sent: Entry | undefined;
  #signature: Promise<SignatureReply> | undefined;

  constructor(run: PeerUpdate, file: DirtyFile) {
    this.run = run;
    this.file = file;
    this.sent = file.found.state === 'present' ? file.found.entry : undefined;
  }

  get conversation(): Conversation {
    return this.run.line.conversation;
  }

  /** Asks ahead for what the peer has; has no effect there. */
  begin(): void {
    const { found, row } = this.file;
    if (row.forced || (found.state === 'present' && found.entry.kind === 'sock') || found.state === 'error') return;
    const size = found.state === 'present' && found.entry.kind === 'reg' ? found.entry.size : undefined;
    const keep = (length: number): boolean => size !== undefined && mayMatch(length, size);
    this.#signature = this.ask({ name: 'SIG', ...this.#subject }, signatureReply(keep));
  }

  /** Does what has effects. Called for one file of a peer at a time, in order. */
  async finish(): Promise<Under> {
    const { found } = this.file;
    if (found.state === 'error') return { settled: this.localTrouble(found.problem) };
    if (found.state !== 'present') return this.#remove(this.file.row.forced);
    // Nobody can use a socket but the process that made it.
    if (found.entry.kind === 'sock') return { settled: 'done' };
    return this.#update(found.entry, this.file.row.forced);
  }

  /** Sends the change without asking what the peer has. */
  sendChange(entry: Entry): Promise<Under> {
    return this.#send(entry);
  }

  ask<T>(command: FileCommand, parser: ReplyParser<T>): Promise<T> {
    return this.conversation.ask(formatCommand(command), parser);
  }

  async #update(entry: Entry, forced: boolean): Promise<Under> {
    const { log, options } = this.run.context;
    const { name } = this.file;
    log.write(1, messages.updating(name, this.run.peer));
    if (forced) {
      if (options.dryRun) return this.#show('!M');
      const flushed = await this.#overrule();
      return flushed.ok ? this.#send(entry) : { settled: this.refused(flushed) };
    }
    const reply = await this.#answer();
    if (!reply.status.ok && !this.#wasAskedTooEarly(reply.status)) {
      return { settled: reply.status.kind === 'parentMissing' ? 'parent missing' : this.refused(reply.status) };
    }
    const same = await this.#sameAs(entry, reply);
    if (same !== undefined) return this.#same(same);
    return options.dryRun ? this.#show('?M') : this.#send(entry);
  }

  /** The question was sent ahead, when the directory that this run has made meanwhile was not there, or was no directory. */
  #wasAskedTooEarly({ kind }: Status): boolean {
    return (kind === 'parentMissing' || kind === 'otherError') && this.run.newDirectories.holds(this.file.name);
  }

  /** What of ours the peer has, but perhaps for the time: `entry`, or what has become of that. Undefined: it has another. */
  async #sameAs(entry: Entry, { checktxt, signature }: SignatureReply): Promise<Entry | undefined> {
    const own = this.#wire(entry);
    if (checktxt !== own) {
      const at = checktxt === undefined ? 0 : firstDifference(own, checktxt);
      this.run.context.log.write(2, messages.metadataDiffers(this.file.name, at));
      return undefined;
    }
    if (entry.kind !== 'reg') return entry;
    const same = signature === undefined ? undefined : await this.#withContent(own, signature);
    if (same === undefined) this.run.context.log.write(2, messages.contentDiffers);
    return same;
  }

  /** Our file as it stands here now, if that is what these tell, and if it keeps still. */
  async #withContent(checktxt: string, signature: Uint8Array): Promise<Entry | undefined> {
    const open = openSettled(this.file.path);
    if (open instanceof Problem) return undefined;
    try {
      const { entry } = open;
      if (this.#wire(entry) !== checktxt) return undefined;
      const same =
        entry.size <= smallFile
          ? matchesSignature(open.fd, entry.size, signature)
          : await matchesSignatureChunks(open.fd, entry.size, [signature]);
      return same && open.unchanged() ? entry : undefined;
    } catch (error) {
      if (error instanceof LibrsyncError) return undefined;
      problemFrom(error, this.file.path);
      return undefined;
    } finally {
      open.close();
    }
  }

  #wire(entry: Entry): string {
    return wireChecktxt(entry, this.run.context.ignored);
  }

  /** Equal but perhaps for the time. */
  #same(entry: Entry): Under {
    const { log, options } = this.run.context;
    this.sent = entry;
    log.write(1, messages.upToDate);
    if (options.dryRun) {
      options.print(messages.dryRun('?S', this.run.peer, this.file.name));
      return { settled: 'done' };
    }
    if (entry.kind === 'lnk') return { settled: 'done' };
    return { settled: this.settle([this.setTime(entry)]) };
  }

  #overrule(): Promise<Status> {
    this.run.overruledNames.add(this.file.row.name);
    return this.ask({ name: 'FLUSH', ...this.#subject }, status);
  }

  #show(mark: '?M' | '!M' | '?D' | '!D'): Under {
    const { options } = this.run.context;
    options.print(messages.dryRun(mark, this.run.peer, this.file.name));
    this.run.noteSettled();
    return { settled: 'shown' };
  }

  async #remove(forced: boolean): Promise<Under> {
    const { log, options } = this.run.context;
    log.write(1, messages.deleting(this.file.name, this.run.peer));
    if (forced) {
      if (options.dryRun) return this.#show('!D');
      const flushed = await this.#overrule();
      if (!flushed.ok) return { settled: this.refused(flushed) };
    } else {
      const { status: answer, checktxt } = await this.#answer();
      if (answer.kind === 'parentMissing' || answer.line === underFile) return { settled: 'done' };
      if (answer.ok && checktxt === undefined) {
        log.write(1, messages.upToDate);
        if (options.dryRun) options.print(messages.dryRun('?S', this.run.peer, this.file.name));
        return { settled: 'done' };
      }
      if (!answer.ok) return { settled: this.refused(answer) };
      if (options.dryRun) return this.#show('?D');
    }
    const removal = this.ask({ name: 'DEL', ...this.#subject }, status);
    if (!this.run.mayWin(this.file)) return { settled: this.settle([removal]) };
    const answer = await removal;
    if (answer.kind === 'conflict' && (await resolveConflict(this, undefined))) return this.#remove(true);
    return { settled: answer.ok ? 'done' : this.refused(answer) };
  }

  async #send(entry: Entry): Promise<Under> {
    return entry.kind === 'reg' ? this.#sendFile() : this.#sendOther(entry);
  }

  async #sendFile(): Promise<Under> {
    const open = openSettled(this.file.path);
    if (open instanceof Problem) return { settled: this.localTrouble(open) };
    this.sent = open.entry;
    const sent = await sendContent(this, open);
    if (sent.outcome === 'sent') return { settled: this.#afterContent(open, sent.replies) };
    open.close();
    if (sent.outcome === 'trouble') return { settled: this.localTrouble(sent.problem) };
    return this.#refusedChange(open.entry, sent.status);
  }

  /** The content is only what the file was if nobody wrote to it meanwhile; otherwise it stays dirty. */
  async #afterContent(open: OpenFile, replies: readonly Promise<Status>[]): Promise<FileOutcome> {
    const intact = open.unchanged();
    open.close();
    const outcome = await this.settle(replies);
    if (outcome !== 'done' || intact) return outcome;
    this.run.context.log.error(`${this.file.path}: changed while it was sent`);
    return 'kept';
  }

  /** Everything but regular files. Its owner and mode follow at once: they are refused if the object is. */
  async #sendOther(entry: Entry): Promise<Under> {
    const command = formatCommand(makeCommand(entry, this.#subject));
    // With the target of a link; the peer would end the conversation.
    if (command.length >= requestLineLimit) {
      return { settled: this.localTrouble(new Problem('ENAMETOOLONG', this.file.path)) };
    }
    const made = this.conversation.ask(command, status);
    const rest = [this.setOwner(entry)];
    if (entry.kind !== 'lnk') rest.push(this.setMode(entry));
    if (entry.kind === 'lnk' && !this.run.mayWin(this.file)) return { settled: this.settle([made, ...rest]) };
    const answer = await made;
    if (!answer.ok) {
      await Promise.all(rest);
      return this.#refusedChange(entry, answer);
    }
    if (entry.kind === 'dir') this.run.newDirectories.add(this.file.name);
    if (entry.kind !== 'lnk') rest.push(this.setTime(entry));
    return { settled: this.settle(rest) };
  }

  async #refusedChange(entry: Entry, answer: Status): Promise<Under> {
    if (answer.kind === 'parentMissing') return { settled: 'parent missing' };
    if (answer.kind === 'conflict' && (await resolveConflict(this, entry))) return this.#update(entry, true);
    return { settled: this.refused(answer) };
  }

  setOwner({ uid, gid }: Entry): Promise<Status> {
    return this.ask({ name: 'SETOWN', ...this.#subject, uid, gid }, status);
  }

  setMode({ mode }: Entry): Promise<Status> {
    return this.ask({ name: 'SETMOD', ...this.#subject, mode }, status);
  }

  /** The C program knows whole seconds only. */
  setTime({ mtime, mtimeNanoseconds }: Entry): Promise<Status> {
    const exact = this.run.line.extensions.has('xput') ? { mtimeNanoseconds } : {};
    return this.ask({ name: 'SETIME', ...this.#subject, mtime, ...exact }, status);
  }

  /** Done when every reply is OK; otherwise the first that is not is what went wrong. */
  async settle(replies: readonly Promise<Status>[]): Promise<FileOutcome> {
    const answers = await Promise.all(replies);
    const trouble = answers.find((answer) => !answer.ok);
    return trouble === undefined ? 'done' : this.refused(trouble);
  }

  refused(answer: Status): FileOutcome {
    const { log } = this.run.context;
    const isNews = answer.kind !== 'notMounted' || this.run.notMounted.isFirst();
    log.write(isNews ? 0 : 1, messages.whileSyncing(this.file.name));
    const text = messages.errorFromPeer(this.run.peer, answer.line);
    if (isNews) log.error(text);
    else log.write(1, text);
    this.run.trouble = `${this.file.name}: ${answer.line}`;
    log.write(1, messages.fileStaysDirty);
    this.run.noteSettled();
    return 'kept';
  }

  localTrouble(problem: Problem): FileOutcome {
    const { log } = this.run.context;
    log.error(problem.toString());
    this.run.trouble = problem.toString();
    log.write(1, messages.fileStaysDirty);
    this.run.noteSettled();
    return 'kept';
  }

  #answer(): Promise<SignatureReply> {
    if (this.#signature === undefined) throw new Error('nothing was asked ahead');
    return this.#signature;
  }

  get #subject(): { readonly key: string; readonly file: DirtyFile['name'] } {
    return { key: this.file.key, file: this.file.name };
  }
}

/** What a C program says of a name below something that is no directory: there is nothing to remove. */
const underFile = messageFor('ENOTDIR');

/** A file of this size has a signature of this length, with the strong sums of today's or of older peers. */
function mayMatch(length: number, size: number): boolean {
  if (length > largestComparison) return false;
  const blockLength = 2048;
  return [16, 8].some((strongLength) => length === signatureLength(size, { blockLength, strongLength }));
}

/** A signature above this (a file of some 50 GiB) is not held in memory: such a file counts as different. */
const largestComparison = 512 << 20;

function makeCommand(entry: Entry, subject: { readonly key: string; readonly file: DirtyFile['name'] }): FileCommand {
  switch (entry.kind) {
    case 'dir':
      return { name: 'MKDIR', ...subject };
    case 'lnk':
      return { name: 'MKLINK', ...subject, target: entry.target };
    case 'fifo':
      return { name: 'MKFIFO', ...subject };
    case 'chr':
      return { name: 'MKCHR', ...subject, device: entry.device };
    case 'blk':
      return { name: 'MKBLK', ...subject, device: entry.device };
    case 'reg':
    case 'sock':
      throw new Error(`${entry.kind} is not made by a command of its own`);
  }
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}
