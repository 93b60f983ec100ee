import fs from 'node:fs';
import { join } from 'node:path';
import type { Auto } from './history.ts';
import type { FaultHost, Site } from './site.ts';

interface Content {
  /** Type and content, or target; nothing of owner, mode and time. */
  readonly what: string;
  readonly mtime: number;
}

type Contents = ReadonlyMap<string, Content>;

/**
 * The model of what must not be lost: what somebody did on a host, as long as that host has not sent it. Nobody may
 * overwrite it, unless the rule for conflicts says so.
 */
export class Pending {
  readonly #site: Site;
  /** Each host's paths with changes of its own that are not on all other hosts yet, and what was there before. */
  readonly #own: readonly Map<string, string | undefined>[];
  /** Those of them that a check has seen since: once they are not dirty any more, they have been sent. */
  readonly #checked: readonly Set<string>[];
  #rule: Auto | 'anything';
  #losses: string[] = [];

  constructor(site: Site, rule: Auto | 'anything') {
    this.#site = site;
    this.#rule = rule;
    this.#checked = site.hosts.map(() => new Set<string>());
    this.#own = site.hosts.map(() => new Map<string, string | undefined>());
  }

  /** From now on everything may be overwritten. */
  allow(): void {
    this.#rule = 'anything';
  }

  edit(at: number, work: () => void): void {
    const { tree } = this.#site.at(at);
    const before = contents(tree.root);
    work();
    const now = contents(tree.root);
    const own = this.#own[at] as Map<string, string | undefined>;
    for (const path of changed(before, now)) {
      this.#checked[at]?.delete(path);
      if (!own.has(path)) own.set(path, before.get(path)?.what);
      // What was undone is no change.
      if (own.get(path) === now.get(path)?.what) own.delete(path);
    }
  }

  /** `checking`: the command looks for changes. */
  async run<T>(on: readonly number[], checking: boolean, work: () => Promise<T>): Promise<T> {
    const before = this.#site.hosts.map(({ tree }) => contents(tree.root));
    if (checking) for (const at of on) for (const path of this.#own[at]?.keys() ?? []) this.#checked[at]?.add(path);
    const result = await work();
    for (const [at, host] of this.#site.hosts.entries()) {
      const now = contents(host.tree.root);
      for (const path of changed(before[at] as Contents, now)) this.#examine(at, path, on, before[at] as Contents, now);
      if (on.includes(at)) this.#forgetSent(at, host);
    }
    return result;
  }

  /** What was lost since the last call. */
  losses(): string[] {
    const losses = this.#losses;
    this.#losses = [];
    return losses;
  }

  #examine(at: number, path: string, on: readonly number[], before: Contents, now: Contents): void {
    // The C program is not ours to judge.
    if (this.#site.at(at).program === 'c' || this.#own[at]?.has(path) !== true) return;
    const [old, current] = [before.get(path), now.get(path)];
    if (this.#mayLose(at, on, [old, current])) return;
    const shown = `${old?.what.slice(0, 60) ?? 'nothing'} became ${current?.what.slice(0, 60) ?? 'nothing'}`;
    this.#losses.push(`${path} on host ${at + 1}, which had not sent it: ${shown}`);
  }

  #mayLose(at: number, on: readonly number[], versions: Versions): boolean {
    switch (this.#rule) {
      case 'none':
        return false;
      case 'left':
        return on.some((other) => other < at);
      case 'right':
        return on.some((other) => other > at);
      case 'younger':
        return !areFiles(versions) || versions[1].mtime >= versions[0].mtime;
      case 'older':
        return !areFiles(versions) || versions[1].mtime <= versions[0].mtime;
      case 'bigger':
        return !areFiles(versions) || versions[1].what.length >= versions[0].what.length;
      case 'smaller':
        return !areFiles(versions) || versions[1].what.length <= versions[0].what.length;
      case 'first':
      case 'anything':
        return true;
    }
  }

  #forgetSent(at: number, host: FaultHost): void {
    const own = this.#own[at] as Map<string, string | undefined>;
    if (own.size === 0) return;
    const dirty = new Set(host.rows().dirty.map((row) => (row.split(' | ')[0] as string).replace('%25t%25/', '')));
    for (const path of this.#checked[at] ?? []) if (!dirty.has(path)) own.delete(path);
  }
}

type Versions = readonly [old: Content | undefined, now: Content | undefined];

/** Only files have figures that decide. */
function areFiles(versions: Versions): versions is readonly [old: Content, now: Content] {
  return versions.every((version) => version?.what.startsWith('file') === true);
}

function changed(before: Contents, now: Contents): string[] {
  const paths = new Set([...before.keys(), ...now.keys()]);
  return [...paths].filter((path) => before.get(path)?.what !== now.get(path)?.what);
}

function contents(root: string, below = '', found = new Map<string, Content>()): Map<string, Content> {
  for (const entry of fs.readdirSync(join(root, below), { withFileTypes: true })) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    const path = join(root, name);
    const stat = fs.lstatSync(path);
    found.set(name, { what: describe(path, stat), mtime: Math.floor(stat.mtimeMs / 1000) });
    if (entry.isDirectory()) contents(root, name, found);
  }
  return found;
}

function describe(path: string, stat: fs.Stats): string {
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return `link ${fs.readlinkSync(path)}`;
  return stat.isFile() ? `file ${fs.readFileSync(path, 'latin1')}` : 'special';
}
