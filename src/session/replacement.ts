import fs from 'node:fs';
import type { DiskPath, FileName } from '../bytes/bytes.ts';
import type { Entry } from '../entry/entry.ts';
import { entryFromStats } from '../entry/fromStats.ts';
import { youngAt } from '../entry/young.ts';
import { inspect, type Inspection } from '../filesystem/inspect.ts';
import { Problem } from '../filesystem/problem.ts';
import type { Staged } from '../filesystem/staged.ts';
import { replies } from '../protocol/replies.ts';
import { checkAgain } from './admission.ts';
import { backUp } from './backUp.ts';
import { expectedEntry } from './expected.ts';
import type { Session } from './session.ts';
import { isUntouched } from './untouched.ts';

/**
 * A file, link, directory or device that a peer sends, complete but for owner, mode and time, which arrive as commands
 * of their own. It stands beside its place until `finish` puts it there in one step, so no reader sees a part of it.
 */
export class Replacement {
  readonly name: FileName;
  readonly #path: DiskPath;
  readonly #staged: Staged;
  readonly #target: string;
  /** What was there when the peer's right to replace it was checked. */
  #before: Inspection;

  constructor(name: FileName, path: DiskPath, staged: Staged, before: Inspection, target = '') {
    this.name = name;
    this.#path = path;
    this.#staged = staged;
    this.#before = before;
    this.#target = target;
  }

  get kind(): Staged['kind'] {
    return this.#staged.kind;
  }

  setOwner(uid: number | undefined, gid: number | undefined): Problem | undefined {
    return this.#staged.setOwner(uid, gid);
  }

  setMode(mode: number): Problem | undefined {
    return this.#staged.setMode(mode);
  }

  setTime(seconds: number, nanoseconds = 0): Problem | undefined {
    return this.#staged.setTime(seconds, nanoseconds);
  }

  discard(): void {
    this.#staged.discard();
  }

  /**
   * Backup, rename, and the row of what is there now. Returns the reply line that refuses it, in which case what was
   * there is still there.
   */
  finish(session: Session): string | undefined {
    const now = inspect(this.#path);
    const isLate = !isUntouched(this.#before, now);
    const hindrance = isLate ? replies.overtaken : backUp(session, this.name, this.#path, now);
    if (hindrance !== undefined) {
      this.discard();
      return hindrance;
    }
    // Recorded as it was made, from before the rename: what anybody does to it afterwards is a change of its own.
    const entry = this.entry();
    const youth = youngAt(Date.now());
    const problem = this.#staged.commit();
    if (problem !== undefined) return problem.message;
    session.recordReceived(this.name, entry, true, youth);
    return undefined;
  }

  /** The same when a while has passed since the peer's right to replace it was checked. */
  async finishLater(session: Session): Promise<string | undefined> {
    const expected = [expectedEntry(this.name, this.entry(), session.ignored)];
    // Directories and other things do not replace each other in one step.
    const was = this.#before.state === 'present' ? this.#before.entry.kind : undefined;
    if (was !== undefined && (was === 'dir') !== (this.kind === 'dir')) {
      expected.push(expectedEntry(this.name, undefined, session.ignored));
    }
    await session.begin(expected);
    const found = await checkAgain(session, this.name, this.#before, expected);
    if (typeof found !== 'string') {
      this.#before = found;
      return this.finish(session);
    }
    this.discard();
    return found;
  }

  /** What it will be. */
  entry(): Entry {
    return entryFromStats(fs.fstatSync(this.#staged.fd, { bigint: true }), this.#target);
  }
}
