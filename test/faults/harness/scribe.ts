import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import type { FaultHost } from './site.ts';

/**
 * Somebody who works on a host's files while csync2 is at work on them too. Files only ever grow, by stamps that nobody
 * writes twice, or are taken away whole: so a version tells all the versions that it was made from, and a stamp that is
 * missing where it was written, though nobody took it away, was lost.
 */
export class Scribe {
  readonly #host: FaultHost;
  readonly #own: string;
  /** Stamps that somebody took away on purpose; all scribes share it. */
  readonly #removed: Set<string>;
  readonly #areAlike: boolean;
  readonly #written = new Map<string, Set<string>>();
  #count = 0;
  /** Stamps that are known to have been written into the file that was there. */
  kept = 0;

  /** `own`: a letter that no other scribe has. `areAlike`: stamps are of one size, and of the time at which they are written. */
  constructor(host: FaultHost, own: string, removed: Set<string>, areAlike = false) {
    this.#host = host;
    this.#own = own;
    this.#removed = removed;
    this.#areAlike = areAlike;
  }

  async write(name: string): Promise<void> {
    const path = this.#host.tree.path(name);
    const stamp = `${this.#own}${String(++this.#count).padStart(6, '0')}`;
    const fd = fs.openSync(path, 'a');
    let inode;
    try {
      fs.writeSync(fd, `${stamp} ${this.#areAlike ? '' : 'x'.repeat(this.#count % 50)}\n`);
      // No two versions look the same to a check.
      const time = 1_700_000_000 + 10 * this.#count + (this.#own.charCodeAt(0) % 10);
      if (!this.#areAlike) fs.futimesSync(fd, 1_700_000_000, time);
      inode = fs.fstatSync(fd).ino;
    } finally {
      fs.closeSync(fd);
    }
    // Whoever was just putting another file there, or was made to wait between its last look and that, could not know of this.
    await sleep(30);
    if (fs.lstatSync(path, { throwIfNoEntry: false })?.ino !== inode) return;
    const stamps = this.#written.get(name) ?? new Set<string>();
    this.#written.set(name, stamps.add(stamp));
    this.kept += 1;
  }

  remove(name: string): void {
    const grave = join(this.#host.root, `removed-${name.replaceAll('/', '_')}`);
    try {
      fs.renameSync(this.#host.tree.path(name), grave);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    for (const stamp of stampsIn(grave)) this.#removed.add(stamp);
  }

  /** What should be there and is not, as text for people. */
  losses(): string[] {
    const losses: string[] = [];
    for (const [name, stamps] of this.#written) {
      const there = stampsIn(this.#host.tree.path(name));
      for (const stamp of stamps) {
        if (!there.has(stamp) && !this.#removed.has(stamp)) losses.push(`${stamp} of ${name} on ${this.#host.name}`);
      }
    }
    return losses;
  }
}

/** None where nothing is. */
function stampsIn(path: string): Set<string> {
  if (!fs.existsSync(path)) return new Set();
  const lines = fs.readFileSync(path, 'latin1').split('\n');
  return new Set(lines.map((line) => line.slice(0, line.indexOf(' '))));
}
