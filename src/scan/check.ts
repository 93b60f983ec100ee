import { setImmediate } from 'node:timers/promises';
import type { DiskPath, Encoded, FileName } from '../bytes/bytes.ts';
import { boundHeap } from '../bytes/heap.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import { sameButUnknownTarget } from '../entry/compare.ts';
import type { Entry, Ignored } from '../entry/entry.ts';
import { isStampOf, secondOf, stampOf, youngAt, youngStamp } from '../entry/young.ts';
import { Existence } from '../filesystem/existence.ts';
import { inspect, type Inspection } from '../filesystem/inspect.ts';
import { Problem } from '../filesystem/problem.ts';
import { removeLeftover } from '../filesystem/remove.ts';
import type { UnknownRange } from '../filesystem/walk.ts';
import type { Cluster, Coverage } from '../groups/cluster.ts';
import { type CoverageSource, except } from '../groups/coverage.ts';
import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { parseRows, rowAt } from '../store/rowLines.ts';
import { below, type Change, type Store } from '../store/store.ts';
import { checkFile } from './checkFile.ts';
import { markDirty, recordChange } from './marking.ts';
import { type Mounts, namesAt } from './mounts.ts';
import { notInTransit } from './inTransit.ts';
import { rowFor } from './rowFor.ts';
import { fileFound } from './young.ts';
import { batchSize, SharedWalk } from './sharedWalk.ts';
import { RowReader } from '../store/rowReader.ts';

export interface CheckOptions {
  readonly recursive: boolean;
  /** Record what is there without marking anything dirty. */
  readonly init: boolean;
  /** New dirty rows win the next conflict. */
  readonly forced: boolean;
  /** What is on a file system that is lost is left alone. */
  readonly mounts: Mounts;
  /** Aborted: the check ends at the next occasion, by failing with the reason; what it has found is recorded. */
  readonly stopping?: AbortSignal;
  /** Called with every directory (in the form of names) that is covered or directly contains something covered. */
  readonly onDirectory?: (name: string) => void;
}

/** Compares the disk with the database and brings the database up to date, marking what changed. */
export class Check {
  readonly #cluster: Cluster;
  readonly #store: Store;
  readonly #ignored: Ignored;
  readonly #log: Log;
  readonly #options: CheckOptions;
  #coverage: Coverage;
  /** The same as data. */
  #source: CoverageSource;
  readonly #directories = new Set<string>();
  #changes: Change[] = [];
  /** The names among these changes that had no row. */
  #fresh = new Set<Encoded>();
  /** They may have been looked at a while before it was known that they had none. */
  #isFreshOld = false;
  /** Stamps that earlier checks have noted; of what was looked at since, those that stay noted. */
  #young = new Map<Encoded, string>();
  /** Stamps as the database has them, unless others have noted some since. */
  #noted = new Map<Encoded, string>();

  constructor(cluster: Cluster, store: Store, ignored: Ignored, log: Log, options: CheckOptions) {
    this.#cluster = cluster;
    this.#store = store;
    this.#ignored = ignored;
    this.#log = log;
    this.#options = options;
    this.#coverage = cluster.coverage();
    this.#source = { patterns: cluster.patterns, excepted: [] };
  }

  /** Checks a path under all the names that it has; with `recursive` also everything below it. */
  async run(path: DiskPath): Promise<void> {
    const names = this.#cluster.toNames(path);
    if (this.#options.recursive) names.push(...this.#cluster.prefixesBelow(path));
    await this.#heedMounts(path);
    this.#young = new Map(await this.#store.young());
    this.#noted = new Map(this.#young);
    try {
      for (const name of names) {
        await this.#mayGoOn();
        this.#log.write(2, messages.runningCheck(name, this.#options.recursive));
        await this.#checkYoung(name);
        await this.#checkName(name);
        if (this.#options.recursive) await this.#checkBelow(name);
      }
    } catch (error) {
      if (this.#options.stopping?.aborted === true) await this.#commit();
      throw error;
    }
    await this.#commit();
  }

  /** What is lost counts as not covered: it is not looked at, and its rows are not this check's business. */
  async #heedMounts(path: DiskPath): Promise<void> {
    const { mounts, recursive } = this.#options;
    await this.#store.apply(mounts.remember(path, recursive));
    const lost = mounts.lostAround(path);
    for (const one of lost) mounts.tell(one, this.#log);
    const excepted = lost.flatMap((one) => namesAt(this.#cluster, one));
    this.#coverage = except(this.#cluster.coverage(), excepted);
    this.#source = { patterns: this.#cluster.patterns, excepted };
  }

  /** Signals arrive only while the program is at rest. */
  async #mayGoOn(): Promise<void> {
    await setImmediate();
    this.#options.stopping?.throwIfAborted();
  }

  async #checkName(name: FileName): Promise<void> {
    if (!this.#coverage.covers(name)) return;
    const encoded = encode(name);
    const path = this.#cluster.toDisk(name);
    const youth = youngAt(Date.now());
    const found = path === undefined ? undefined : inspect(path);
    if (found?.state === 'error') {
      this.#log.error(found.problem.toString());
      return;
    }
    const row = (await this.#store.fileRows([encoded])).get(encoded);
    const now = rowFor(found, this.#ignored);
    if (row !== now) this.#differs(encoded, row, now);
    if (found?.state === 'present') {
      this.#noteDirectory(encoded, found.entry.kind === 'dir');
      const stamp = youngStamp(found.entry, youth);
      if (stamp !== undefined) this.#noteYoung(encoded, stamp);
    }
  }

  /** What was young may have been changed without a trace in its row: it is looked at until its second has passed. */
  async #checkYoung(name: FileName): Promise<void> {
    if (this.#young.size === 0) return;
    const encoded = encode(name);
    const { from, to } = below(encoded);
    const isBelow = (one: Encoded): boolean => this.#options.recursive && from <= one && one < to;
    const names = [...this.#young.keys()].filter((one) => one === encoded || isBelow(one));
    for (let at = 0; at < names.length; at += batchSize) {
      const some = names.slice(at, at + batchSize);
      const rows = await this.#store.fileRows(some);
      for (const one of some) this.#checkOneYoung(one, rows.get(one));
    }
  }

  #checkOneYoung(name: Encoded, row: Encoded | undefined): void {
    const decoded = decode(name) as FileName;
    if (!this.#coverage.covers(decoded)) return;
    const path = this.#cluster.toDisk(decoded);
    const youth = youngAt(Date.now());
    const found = path === undefined ? undefined : inspect(path);
    if (found?.state === 'error') return; // whoever looks for it next says why
    const noted = this.#young.get(name) as string;
    // What its row tells apart is found without a stamp.
    const isAsRecorded = found?.state === 'present' && rowFor(found, this.#ignored) === row;
    if (!isAsRecorded || !isStampOf(noted, found.entry)) return this.#dropYoung(name);
    const stamp = stampOf(found.entry);
    if (stamp === noted) {
      if (youngStamp(found.entry, youth) === undefined) this.#dropYoung(name);
      return;
    }
    // Also when its second is over: should a session have put it there, that has noted the same. The next check drops it.
    this.#changes.push({ type: 'noteYoung', name, stamp });
    if (this.#log.wants(2)) this.#log.write(2, messages.fileChanged(decoded));
    if (!this.#options.init) this.#push(markDirty(this.#cluster, decoded, name, this.#options.forced));
  }

  /** What is watched already may have been changed since it was looked at, and that is for the next check to find. */
  #noteYoung(name: Encoded, stamp: string): void {
    const watched = this.#young.get(name);
    if (watched !== undefined && secondOf(watched) === secondOf(stamp)) return;
    this.#changes.push({ type: 'noteYoung', name, stamp });
  }

  #dropYoung(name: Encoded): void {
    this.#young.delete(name);
    this.#changes.push({ type: 'dropYoung', name });
  }

  /** Walks and reads rows side by side, both in byte order of encoded names. */
  async #checkBelow(name: FileName): Promise<void> {
    // Nothing below can be covered, so there is nothing to look for, and rows below are not this check's business.
    if (!this.#coverage.mayContain(name)) return;
    const path = this.#cluster.toDisk(name);
    if (path === undefined) return;
    const encoded = encode(name);
    const range = below(encoded);
    const task = { path, name: encoded, ignored: this.#ignored, coverage: this.#source };
    const inside = this.#coverage.enter(name);
    const walk = await SharedWalk.begin(task, inside, this.#store, range, (leftover) => this.#clean(leftover));
    this.#isFreshOld ||= walk.isShared;
    const rows = new RowReader(this.#store.fileLines(range));
    const unknown: UnknownRange[] = [];
    try {
      // Before the walk: where there was no row, as at a first check, there is none that a session could have removed since.
      if (await rows.fill()) this.#isFreshOld = true;
      for (let batch = await walk.next(); batch !== undefined; batch = await walk.next()) {
        if (batch.count === batchSize) boundHeap();
        await this.#mayGoOn();
        unknown.push(...batch.unknown);
        for (const problem of batch.problems) this.#log.error(problem.toString());
        if (this.#options.onDirectory !== undefined) this.#noteDirectories(batch.lines);
        // Before the rows: these may be committed in parts.
        for (const [young, stamp] of batch.young) this.#noteYoung(young, stamp);
        await this.#merge(batch.lines, rows, unknown);
      }
      await this.#restGone(rows, unknown);
    } finally {
      await walk.close();
      await rows.close();
    }
  }

  /** Brings the rows up to the last of these lines in agreement with them. */
  async #merge(lines: string, rows: RowReader, unknown: readonly UnknownRange[]): Promise<void> {
    for (let at = 0; at < lines.length;) {
      at += rows.skipSame(lines, at);
      if (rows.isUsedUp && (await rows.nextPage())) continue;
      if (at === lines.length) return;
      const { row } = rows;
      const { name, checktxt, next } = rowAt(lines, at);
      if (row !== undefined && row.name < name) {
        this.#notFound(row.name, row.checktxt, unknown);
        rows.step();
      } else {
        const known = row?.name === name ? row.checktxt : undefined;
        this.#differs(name, known, checktxt);
        if (known !== undefined) rows.step();
        at = next;
      }
      if (this.#changes.length >= changesAtOnce) await this.#commit();
    }
  }

  /** The walk is over: nothing was found for the rows that are left. */
  async #restGone(rows: RowReader, unknown: readonly UnknownRange[]): Promise<void> {
    do {
      for (let { row } = rows; row !== undefined; { row } = rows) {
        this.#notFound(row.name, row.checktxt, unknown);
        rows.step();
        if (this.#changes.length >= changesAtOnce) await this.#commit();
      }
    } while (await rows.nextPage());
  }

  /** Nothing was found for a row: it may not be covered, or nobody knows, or it is gone; the disk is asked once more. */
  #notFound(name: Encoded, row: Encoded, unknown: readonly UnknownRange[]): void {
    if (unknown.some((range) => range.from <= name && name < range.to)) return;
    const decoded = decode(name) as FileName;
    if (!this.#coverage.covers(decoded)) return;
    const path = this.#cluster.toDisk(decoded);
    const found = path === undefined ? undefined : inspect(path);
    if (found?.state === 'error') {
      this.#log.error(found.problem.toString());
      return;
    }
    const now = rowFor(found, this.#ignored);
    if (now !== row) this.#differs(name, row, now);
  }

  #differs(name: Encoded, row: Encoded | undefined, now: Encoded | undefined): void {
    if (row !== undefined && now !== undefined && sameButUnknownTarget(row, now)) {
      this.#changes.push({ type: 'putFile', name, checktxt: now });
      return;
    }
    if (this.#log.wants(2)) {
      const message = row === undefined ? messages.newFile : messages.fileChanged;
      this.#log.write(2, message(decode(name)));
    }
    if (row === undefined) this.#fresh.add(name);
    if (this.#options.init) {
      this.#changes.push(now === undefined ? { type: 'dropFile', name } : { type: 'putFile', name, checktxt: now });
      return;
    }
    const decoded = decode(name) as FileName;
    this.#push(recordChange(this.#cluster, decoded, name, row, now, this.#options.forced));
  }

  #push(changes: readonly Change[]): void {
    for (const change of changes) this.#changes.push(change);
  }

  #noteDirectories(lines: string): void {
    const { names, checktxts } = parseRows(lines);
    names.forEach((name, index) => this.#noteDirectory(name, checktxts[index]?.endsWith('type=dir') === true));
  }

  #noteDirectory(name: Encoded, isDirectory: boolean): void {
    const { onDirectory } = this.#options;
    if (onDirectory === undefined) return;
    const end = name.lastIndexOf('/');
    const parent = end < 0 ? [] : [end === 0 ? '/' : name.slice(0, end)];
    for (const directory of isDirectory ? [...parent, name] : parent) {
      if (this.#directories.has(directory)) continue;
      this.#directories.add(directory);
      onDirectory(decode(directory));
    }
  }

  #clean(path: DiskPath): void {
    const removed = removeLeftover(path);
    if (removed instanceof Problem) this.#log.error(removed.toString());
    else if (removed) this.#log.write(1, messages.removedLeftover(path));
  }

  async #commit(): Promise<void> {
    if (this.#changes.length === 0) return;
    const changes = this.#changes;
    const fresh = this.#fresh;
    this.#changes = [];
    this.#fresh = new Set();
    const left = this.#withoutLost(await this.#stillTrue(changes, fresh));
    if (this.#log.wants(1)) {
      const marked = new Set(left.flatMap((change) => (isMark(change) ? [change.name] : [])));
      for (const name of marked) this.#log.write(1, messages.markingDirty(decode(name)));
    }
    await this.#store.apply(left);
    for (const change of left) {
      if (change.type === 'noteYoung') this.#noted.set(change.name, change.stamp);
      if (change.type === 'dropYoung') this.#noted.delete(change.name);
    }
  }

  async #stillTrue(changes: readonly Change[], fresh: ReadonlySet<Encoded>): Promise<readonly Change[]> {
    const fileAt = (name: Encoded): Entry | undefined => fileFound(this.#found(name));
    const { changes: left, rows, begun } = await notInTransit(this.#store, changes, { fileAt });
    const seen = await this.#lookAgain(left, (name) => fresh.has(name) && !rows.has(name) && !begun.has(name));
    return this.#withoutNotedByOthers(seen);
  }

  /**
   * What a session has noted since this check began is of what it has put in place and recorded. Should that have been changed
   * before it was looked at here, then only its stamp tells the next check; unless there is another row to record now.
   */
  async #withoutNotedByOthers(changes: readonly Change[]): Promise<readonly Change[]> {
    const recorded = recordedIn(changes);
    const noted = new Set<Encoded>();
    for (const change of changes) {
      if (change.type === 'noteYoung' || change.type === 'dropYoung') noted.add(change.name);
    }
    const names = [...noted].filter((name) => !recorded.has(name));
    if (names.length === 0) return changes;
    const stamps = await this.#store.young(names);
    const ofOthers = new Set(names.filter((name) => stamps.get(name) !== this.#noted.get(name)));
    if (ofOthers.size === 0) return changes;
    return changes.filter(({ type, ...change }) => {
      return !((type === 'noteYoung' || type === 'dropYoung') && 'name' in change && ofOthers.has(change.name));
    });
  }

  /** A file system may be unmounted while its files are looked at: then what was seen there is worth nothing. */
  #withoutLost(changes: readonly Change[]): readonly Change[] {
    const { mounts } = this.#options;
    const lost = mounts.lostAround('/' as DiskPath);
    if (lost.length === 0) return changes;
    for (const one of lost) mounts.tell(one, this.#log);
    return changes.filter((change) => {
      const path = 'name' in change ? this.#cluster.toDisk(decode(change.name) as FileName) : undefined;
      return path === undefined || mounts.lostAt(path) === undefined;
    });
  }

  /**
   * The disk was looked at before the rows were read: what a session has replaced and recorded in between would pass for a
   * change that was made here. So what is not as it was found is checked anew. What `isNew`, that is, had no row and has none, and
   * is not begun, a session can only have removed.
   */
  async #lookAgain(changes: readonly Change[], isNew: (name: Encoded) => boolean): Promise<readonly Change[]> {
    const overtaken = new Set<Encoded>();
    const existence = new Existence();
    const recorded = recordedIn(changes);
    const marked = new Set(changes.flatMap((change) => (change.type === 'markDirty' ? [change.name] : [])));
    for (const change of changes) {
      if (change.type === 'noteYoung' && marked.has(change.name) && !recorded.has(change.name)) {
        if (this.#isAnother(change.name, change.stamp)) overtaken.add(change.name);
      }
      if (change.type !== 'putFile' && change.type !== 'dropFile') continue;
      const found = change.type === 'putFile' ? change.checktxt : undefined;
      if (isNew(change.name)) {
        if (this.#isFreshOld && this.#isGone(change.name, existence)) overtaken.add(change.name);
      } else if (this.#now(change.name) !== found) overtaken.add(change.name);
    }
    if (overtaken.size === 0) return changes;
    const kept = changes.filter((change) => !('name' in change) || !overtaken.has(change.name));
    for (const name of overtaken) {
      const file = decode(name) as FileName;
      const { forced, init } = this.#options;
      const check = await checkFile(this.#cluster, this.#store, this.#ignored, file, { forced });
      kept.push(...(init ? check.changes.filter((change) => !isMark(change)) : check.changes));
    }
    return kept;
  }

  #isGone(name: Encoded, existence: Existence): boolean {
    const path = this.#cluster.toDisk(decode(name) as FileName);
    return path === undefined || existence.isGone(path);
  }

  #now(name: Encoded): Encoded | undefined {
    return rowFor(this.#found(name), this.#ignored);
  }

  #isAnother(name: Encoded, stamp: string): boolean {
    const found = this.#found(name);
    return found?.state !== 'present' || stampOf(found.entry) !== stamp;
  }

  #found(name: Encoded): Inspection | undefined {
    const path = this.#cluster.toDisk(decode(name) as FileName);
    return path === undefined ? undefined : inspect(path);
  }
}

/** The names that get another row, or none. */
function recordedIn(changes: readonly Change[]): Set<Encoded> {
  return new Set(
    changes.flatMap((change) => (change.type === 'putFile' || change.type === 'dropFile' ? [change.name] : [])),
  );
}

/** Something that calls for an update or a command. */
function isMark(change: Change): change is Extract<Change, { type: 'markDirty' | 'queueAction' }> {
  return change.type === 'markDirty' || change.type === 'queueAction';
}

const changesAtOnce = 8192;
