import type { ActionRow, Change, HintRow } from '../../src/store/store.ts';
import { enc } from './rows.ts';

type Dirty = { name: string; peer: string; myname: string; forced: boolean };

/** What a sequence of changes means, one at a time, in the plainest way. */
export class Model {
  readonly files = new Map<string, string>();
  dirty: Dirty[] = [];
  readonly hints = new Map<string, HintRow>();
  actions: ActionRow[] = [];

  apply(change: Change): void {
    switch (change.type) {
      case 'putFile':
        this.files.set(change.name, change.checktxt);
        return;
      case 'dropFile':
        this.files.delete(change.name);
        return;
      case 'markDirty': {
        const { name, peer, myname, forced } = change;
        this.#forget((row) => row.name === (name as string) && row.peer === (peer as string));
        this.dirty.push({ name, peer, myname, forced });
        return;
      }
      case 'clearDirty':
        if (change.ifFile !== undefined && (this.files.get(change.name) ?? null) !== change.ifFile) return;
        this.#forget((row) => row.name === (change.name as string) && row.peer === (change.peer as string));
        return;
      case 'clearAllDirty':
        this.#forget((row) => row.name === (change.name as string));
        return;
      case 'forceDirty': {
        const { from, to } = change.range;
        for (const row of this.dirty) if (row.name >= from && (to === undefined || row.name < to)) row.forced = true;
        return;
      }
      case 'putHint':
        this.hints.set(`${change.name} ${change.recursive}`, { name: change.name, recursive: change.recursive });
        return;
      case 'dropHint':
        this.hints.delete(`${change.name} ${change.recursive}`);
        return;
      case 'queueAction':
        if (!this.actions.some((row) => row.name === change.name && row.command === change.command)) {
          this.actions.push({ name: change.name, command: change.command, logfile: change.logfile });
        }
        return;
      case 'dropAction':
        this.actions = this.actions.filter((row) => row.name !== change.name || row.command !== change.command);
        return;
      case 'putCertificate':
      case 'dropCertificate':
      case 'begin':
      case 'end':
      case 'noteMount':
      case 'dropMount':
      case 'noteYoung':
      case 'dropYoung':
      case 'noteContact':
      case 'tidyMarks':
      case 'replaceMarks':
        // Not part of what the model compares.
        return;
    }
  }

  #forget(what: (row: Dirty) => boolean): void {
    this.dirty = this.dirty.filter((row) => !what(row));
  }
}

/** The same sequence of numbers for the same seed: 0 <= n < `below`. */
export function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const names = ['/', '/a', '/A', '/a/b', '/a/\xe9', '/a/\xc3\xa9', '/a0', '/\xff', '/b'].map(enc);
const peers = ['beta', 'gamma'].map(enc);
const checktxts = ['one', 'two', 'One'].map(enc);

/** Some change over a handful of names, so that changes of one batch meet often. */
export function randomChange(random: (below: number) => number): Change {
  const pick = <Item>(items: readonly Item[]): Item => items[random(items.length)] as Item;
  const [name, peer] = [pick(names), pick(peers)];
  const action = { name, command: pick(peers), logfile: enc('/log') };
  const range = { from: pick(names), ...(random(4) === 0 ? {} : { to: pick(names) }) };
  const changes: readonly Change[] = [
    { type: 'putFile', name, checktxt: pick(checktxts) },
    { type: 'putFile', name, checktxt: pick(checktxts) },
    { type: 'dropFile', name },
    { type: 'markDirty', name, peer, myname: enc('alpha'), forced: random(2) === 0 },
    { type: 'markDirty', name, peer, myname: enc('alpha'), forced: false },
    { type: 'clearDirty', name, peer },
    { type: 'clearDirty', name, peer, ifFile: random(3) === 0 ? null : pick(checktxts) },
    { type: 'clearDirty', name, peer, ifFile: pick(checktxts) },
    { type: 'clearAllDirty', name },
    { type: 'forceDirty', range },
    { type: 'putHint', name, recursive: random(2) === 0 },
    { type: 'dropHint', name, recursive: random(2) === 0 },
    { type: 'queueAction', ...action },
    { type: 'dropAction', ...action },
  ];
  return pick(changes);
}
