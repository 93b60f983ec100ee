import { setImmediate } from 'node:timers/promises';
import { Mounts } from '../scan/mounts.ts';
import { recover } from '../scan/recover.ts';
import { noteYoung } from '../scan/young.ts';
import { runActions } from '../actions/runActions.ts';
import type { Encoded, FileName } from '../bytes/bytes.ts';
import { encode } from '../bytes/urlEncoding.ts';
import { encodedChecktxt } from '../entry/checktxt.ts';
import type { Entry } from '../entry/entry.ts';
import { youngAt } from '../entry/young.ts';
import type { Inspection } from '../filesystem/inspect.ts';
import type { Cluster } from '../groups/cluster.ts';
import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { type Extension, extensions, formatCapabilities } from '../protocol/capabilities.ts';
import type { Command, Refusal, TransferCommand } from '../protocol/commands.ts';
import { ProtocolError } from '../protocol/errors.ts';
import { isBlank, parseCommand } from '../protocol/parseCommand.ts';
import { identifyFirst, replies } from '../protocol/replies.ts';
import type { Change, Store } from '../store/store.ts';
import { type Channel, ChannelError } from '../transport/channel.ts';
import { dispatch } from './dispatch.ts';
import { type Expected, Journal } from '../scan/journal.ts';
import { Allowance } from './allowance.ts';
import { refusalOf } from './identity.ts';
import { Incoming } from './incoming.ts';
import { Outgoing } from './outgoing.ts';
import { Patience } from './patience.ts';
import { Replacement } from './replacement.ts';
import type { Served, SessionEnvironment } from './served.ts';
import { runTransfers, TransferQueue } from './transfers.ts';

/**
 * One connection, served from its first byte to its last. Requests are worked through strictly in order. What they change
 * in the database is gathered while further requests are at hand, and is committed before their replies leave: a peer
 * that reads `OK` reads something that will still be true after a crash of this program.
 */
export class Session {
  readonly #channel: Channel;
  readonly #environment: SessionEnvironment;
  /** The time that the peer may make us wait until it has identified itself. */
  readonly #allowance: Allowance;
  readonly #incoming: Incoming;
  readonly #log: Log;
  #served: Served | undefined;
  #cluster: Cluster | undefined;
  #mounts: Mounts | undefined;
  #peer: string | undefined;
  #wasRefused = false;
  #restricted = false;
  readonly #transfers = new TransferQueue();
  readonly #journal = new Journal();
  readonly #outgoing: Outgoing;
  #over = false;
  #hasLeft = false;
  readonly #hurry = new AbortController();
  readonly patience = new Patience(this.#hurry.signal);
  #isDurable = false;
  #hasFailed = false;
  /** Why we have ended the connection. */
  #ended: string | undefined;

  /** The extensions that the peer asked for and that we speak. */
  agreed: ReadonlySet<Extension> = new Set();

  /** The file that is being replaced: its content has arrived, its owner, mode and time are still expected. */
  replacement: Replacement | undefined;
  /** What the peer was told by the request before: it finds that the same, and may set its time. */
  compared: Compared | undefined;
  /** The last file whose content could not be taken: metadata that was sent along with it must not be applied. */
  refused: FileName | undefined;

  constructor(channel: Channel, environment: SessionEnvironment) {
    this.#channel = channel;
    this.#environment = environment;
    this.#log = environment.log;
    const { line, login } = environment.limits;
    this.#allowance = new Allowance(login * 1000, () => {
      this.#ended = `did not identify itself within ${login} seconds`;
      this.#channel.destroy();
    });
    this.#incoming = new Incoming(channel, this.#allowance, line, this.#log, async () => {
      await this.#runTransfers();
      await this.flush();
    });
    this.#outgoing = new Outgoing(channel, this.#allowance, this.#journal, environment.log);
  }

  /** Serves until BYE, the end of the stream, or an error; then runs the actions that are due. Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#serve();
    } catch (error) {
      this.#reportEnd(error);
    } finally {
      await this.#end();
    }
  }

  /** Ends the session as soon as the request at hand is done; commands that are due are left to the next one. */
  stop(): void {
    this.#over = true;
    this.#hurry.abort();
    this.#channel.destroy();
  }

  /** The peer has: what may still take time are commands of the configuration. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** It ended for something that is wrong here, as its configuration or its database. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  get log(): Log {
    return this.#log;
  }

  get store(): Store {
    return this.#mustServe().store;
  }

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error('no configuration yet');
    return this.#cluster;
  }

  get mounts(): Mounts {
    if (this.#mounts === undefined) throw new Error('no configuration yet');
    return this.#mounts;
  }

  /** Bytes that a file from the peer may have. */
  get largestFile(): number {
    return this.#mustServe().largestFile ?? Infinity;
  }

  get ignored(): Served['ignored'] {
    return this.#mustServe().ignored;
  }

  /** The identified peer. */
  get peer(): string {
    if (this.#peer === undefined) throw new Error('nobody has identified yet');
    return this.#peer;
  }

  /** Who we are in what is written down of unfinished work. */
  get owner(): Encoded {
    return this.#journal.owner;
  }

  get remoteAddress(): string | undefined {
    return this.#channel.remoteAddress;
  }

  /** The peer has identified as a host that we share something with. */
  get isMember(): boolean {
    return this.#peer !== undefined && this.#cluster?.peers.includes(this.#peer) === true;
  }

  get channel(): Channel {
    return this.#channel;
  }

  reply(line: string): void {
    this.#outgoing.reply(line);
  }

  /** Any number of lines with their newlines. */
  replyLines(lines: string): void {
    this.#outgoing.replyLines(lines);
  }

  replyBytes(bytes: Uint8Array): void {
    this.#outgoing.replyBytes(bytes);
  }

  /**
   * A change came from the peer: the row of what is there now, and nothing to push back. `content`: actions are due too.
   * `youth`: for a regular file, of before it was put there.
   */
  recordReceived(file: FileName, entry: Entry | undefined, content: boolean, youth = youngAt(Date.now())): void {
    const name = encode(file);
    const changes: Change[] = [
      entry === undefined
        ? { type: 'dropFile', name }
        : { type: 'putFile', name, checktxt: encodedChecktxt(entry, this.ignored) },
      { type: 'clearDirty', name, peer: encode(this.peer) },
    ];
    if (content) {
      this.#log.write(1, messages.updatedFrom(file, this.peer));
      for (const { command, logfile } of this.cluster.actionsFor(file, 'remote')) {
        changes.push({ type: 'queueAction', name, command: encode(command), logfile: encode(logfile) });
      }
    }
    if (entry !== undefined) changes.push(...noteYoung(name, entry, youth));
    this.record(changes);
  }

  /** Says in the log that a file was marked, when these changes do so. */
  announce(file: FileName, changes: readonly Change[]): void {
    if (changes.some((change) => change.type === 'markDirty')) this.#log.write(1, messages.markingDirty(file));
  }

  /** The answer is complete and its end is told by the end of the connection. */
  hangUp(): void {
    this.#over = true;
  }

  /**
   * Before files are put in place, removed or set: what they will be. Whoever finds them so does not take it for a change that
   * was made here.
   */
  async begin(expected: readonly Expected[]): Promise<void> {
    await this.store.apply(this.#journal.begin(expected));
  }

  /** Before anything is done to these files: where, so that it is found after a crash, also one of the whole host. */
  async stage(files: readonly FileName[]): Promise<void> {
    const changes = this.#journal.stage(this.cluster, files);
    if (changes.length === 0) return;
    await this.store.apply(changes);
    if (this.#mustServe().durable) await this.store.flush();
  }

  /** Changes that are committed before the replies given from now on leave. */
  record(changes: readonly Change[]): void {
    this.#outgoing.record(changes);
  }

  /** Commits what was recorded, and with it the end of all that was begun. */
  commit(): Promise<void> {
    return this.#outgoing.commit();
  }

  /** Records what sessions that are gone have put in place, as far as it can be reached. */
  recover(): Promise<void> {
    return recover(this.cluster, this.store, this.ignored, this.mounts, this.#log);
  }

  /** Makes sure that what this session recorded about these names can be read back from the store. */
  settle(names: readonly Encoded[]): Promise<void> {
    return this.#outgoing.settle(names);
  }

  /** Commits what was recorded, then lets the replies go. Waits while the peer is slow to read. */
  flush(): Promise<void> {
    return this.#outgoing.flush();
  }

  /** Up to `max` of the bytes that the peer sends next; at least one. */
  bytes(max: number): Promise<Uint8Array> {
    return this.#incoming.bytes(max);
  }

  /** The next line; undefined at the end of the stream. */
  line(): Promise<string | undefined> {
    return this.#incoming.line();
  }

  async #serve(): Promise<void> {
    this.#channel.setIdleTimeout(this.#environment.limits.idle);
    if (!(await this.#open())) return;
    while (!this.#over) {
      const line = await this.line();
      if (line === undefined) return;
      if (isBlank(line)) continue;
      await this.#handle(line);
      if (this.#transfers.isFull) await this.#answerTransfers();
      if (this.#outgoing.isFull) await this.flush();
    }
  }

  /** `SSL` (optional) and `CONFIG`; false when the session ends here. */
  async #open(): Promise<boolean> {
    let line = await this.line();
    if (line === undefined) return false;
    let command = parseCommand(line);
    if (command.name === 'SSL') {
      this.reply(replies.activatingTls);
      await this.flush();
      const credentials = await this.#environment.credentials();
      // What came along in the clear is no command: anybody in between could have added it.
      const early = this.#incoming.takeAll();
      await this.#allowance.spend(this.#channel.startTls('server', credentials, early));
      line = await this.line();
      if (line === undefined) return false;
      command = parseCommand(line);
    }
    if (command.name !== 'CONFIG') {
      if (command.name === 'refused' && command.command === 'CONFIG') this.reply(command.reply);
      else this.reply(replies.configExpected);
      return false;
    }
    try {
      await this.#configure(command.config);
    } catch (error) {
      // What is wrong is for our log alone: whoever asks has not identified yet.
      this.reply(replies.cannotServe);
      throw error;
    }
    this.reply(replies.finished);
    return true;
  }

  async #configure(name: string): Promise<void> {
    this.#served = await this.#environment.configure(name);
    this.#outgoing.store = this.#served.store;
    this.#channel.setIdleTimeout(this.#served.idle);
    this.#cluster = this.#served.cluster;
    this.#mounts = await Mounts.find(this.#cluster, this.store);
    await this.recover();
  }

  async #handle(line: string): Promise<void> {
    const command = parseCommand(line, this.#environment.limits.request);
    if (isTransfer(command) && this.#transfers.holds(command.file)) await this.#runTransfers();
    // Who is none may do nothing with it.
    const content = contentFollows(command) ? await this.#incoming.content(this.isMember) : undefined;
    if (isTransfer(command) && this.#peer !== undefined && typeof content !== 'string') {
      this.#transfers.add({ request: command, content });
      return;
    }
    await this.#runTransfers();
    if (typeof content === 'string' && this.#peer !== undefined) {
      this.reply(content);
      return;
    }
    if (command.name === 'refused') {
      const known = command.command !== undefined && !withoutIdentity.has(command.command);
      this.reply(known && this.#peer === undefined ? this.#identifyFirst() : command.reply);
      return;
    }
    if ('key' in command || command.name === 'LIST') {
      if (this.#peer === undefined || isTransfer(command)) this.reply(this.#identifyFirst());
      else await dispatch(this, command);
      return;
    }
    switch (command.name) {
      case 'BYE':
        await this.finishReplacement();
        await this.#makeDurable();
        this.reply(replies.goodbye);
        this.#over = true;
        return;
      case 'HELLO':
        return this.#identify(command.host);
      case 'SYNC':
        if (this.#peer === undefined) return this.reply(this.#identifyFirst());
        await this.finishReplacement();
        await this.#outgoing.commit();
        await this.#flushFiles();
        this.reply(replies.onDisk);
        return;
      case 'GROUP':
        return this.#restrict(command.groups);
      case 'CAPS':
        this.#incoming.isGathering = true;
        this.agreed = new Set(extensions.filter((extension) => command.extensions.includes(extension)));
        this.reply(formatCapabilities(command.extensions));
        return;
      case 'SSL':
      case 'CONFIG':
        this.reply(replies.unknownCommand);
        return;
    }
  }

  /** The answers leave at once, so that the peer goes on meanwhile, and so do other sessions. */
  async #answerTransfers(): Promise<void> {
    await this.#runTransfers();
    await this.flush();
    await setImmediate();
  }

  async #runTransfers(): Promise<void> {
    if (!this.#transfers.isEmpty) await runTransfers(this, this.#transfers.take());
    this.#incoming.release();
  }

  /** Puts a replacement in place that got no further metadata. Trouble can only be logged: its command was answered. */
  async finishReplacement(): Promise<void> {
    const { replacement } = this;
    if (replacement === undefined) return;
    this.replacement = undefined;
    const trouble = await replacement.finishLater(this);
    if (trouble !== undefined) this.#log.error(`${replacement.name}: ${trouble}`);
  }

  async #identify(name: string): Promise<void> {
    await this.finishReplacement();
    this.#peer = undefined;
    const host = name.toLowerCase();
    const refusal = await refusalOf(host, this.#channel, this, this.#environment, this.#wasRefused);
    this.#wasRefused ||= refusal !== undefined;
    if (refusal === undefined) {
      this.#peer = host;
      this.#allowance.lift();
    }
    this.reply(refusal ?? replies.finished);
  }

  #restrict(groups: readonly string[]): void {
    if (this.#restricted) {
      this.reply(replies.groupsAlreadySet);
      return;
    }
    this.#restricted = true;
    this.#cluster = this.#mustServe().restrictTo(groups);
    this.reply(replies.finished);
  }

  #identifyFirst(): string {
    return identifyFirst(this.#channel.remoteAddress ?? 'unknown');
  }

  /** All that was received, and the rows that tell of it. */
  async #makeDurable(): Promise<void> {
    if (this.#served?.durable !== true) return;
    await this.#outgoing.commit();
    if (this.#isDurable || !this.#journal.hasStaged) return;
    await this.#flushFiles();
    await this.store.flush();
    this.#isDurable = true;
  }

  /** Fails when files that were received cannot be brought to the disk. */
  async #flushFiles(): Promise<void> {
    if (this.#journal.isFlushed || this.#served?.durable !== true) return;
    const problem = await this.#journal.flush();
    if (problem === undefined) return;
    // Without the program there is no way to tell; what the disk refuses is not there.
    if (problem.code === 'EIO') throw new FlushError(problem.toString());
    this.#log.error(problem.toString());
  }

  #mustServe(): Served {
    if (this.#served === undefined) throw new Error('no configuration yet');
    return this.#served;
  }

  #reportEnd(error: unknown): void {
    this.#hasFailed = !(error instanceof ProtocolError || error instanceof ChannelError);
    if (error instanceof ProtocolError) this.reply(error.message);
    if (error instanceof ChannelError && error.code === 'RESET' && this.#over) return;
    const text = this.#ended ?? (error instanceof Error ? error.message : String(error));
    this.#log.error(`${this.#peer ?? this.#channel.remoteAddress ?? 'unknown peer'}: ${text}`);
    if (isExpected(error)) return;
    const trace = error instanceof Error ? (error.stack ?? text) : text;
    for (const line of trace.split('\n')) this.#log.write(1, line);
  }

  async #end(): Promise<void> {
    this.replacement?.discard();
    await this.#attempt(() => this.flush());
    const isDurable = await this.#attempt(() => this.#makeDurable());
    await this.#attempt(() => this.#channel.close());
    this.#hasLeft = true;
    const served = this.#served;
    if (served === undefined) return;
    const ends = this.#journal.close();
    // What the disk has refused stays in doubt.
    if (isDurable) await this.#attempt(() => served.store.apply(ends));
    if (!this.#journal.isSettled) {
      await this.#attempt(() => recover(served.cluster, served.store, served.ignored, this.mounts, this.#log));
    }
    const toDisk = (name: FileName) => served.cluster.toDisk(name);
    await this.#attempt(() => runActions(served.store, toDisk, this.#log, this.#hurry.signal));
    await this.#attempt(() => served.release());
  }

  /** A step of the way out: what fails is reported, and the next step follows. True when it succeeded. */
  async #attempt(step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      this.#log.error(error instanceof Error ? error.message : String(error));
      return false;
    }
  }
}

/** A file as it was when the peer asked for its signature. */
export interface Compared {
  readonly file: FileName;
  readonly found: Inspection;
}

/** Files that were received could not be brought to the disk. */
class FlushError extends Error {
  readonly code = 'FLUSH';
}

/** Commands about files that are worked off one at a time. */
export type FileRequest = Exclude<
  Command,
  { name: 'SSL' | 'BYE' | 'SYNC' | 'CONFIG' | 'GROUP' | 'HELLO' | 'CAPS' } | TransferCommand
>;

function isTransfer(command: { readonly name: string }): command is TransferCommand {
  return command.name === 'XSET' || command.name === 'XPUT' || command.name === 'XDEL';
}

function contentFollows(command: Command | Refusal): boolean {
  return command.name === 'XPUT' || (command.name === 'refused' && command.command === 'XPUT');
}

const withoutIdentity: ReadonlySet<string> = new Set(['SSL', 'BYE', 'CONFIG', 'GROUP', 'CAPS', 'HELLO']);

/** Errors with a `code` are foreseen: their message says it all. Others are defects, worth a stack trace. */
function isExpected(error: unknown): boolean {
  return error instanceof Error && 'code' in error;
}
