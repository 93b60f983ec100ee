import type { Program } from '../../scenarios/harness/programs.ts';
import { carryOut, randomEdit, shellOf } from './edits.ts';
import { Pending } from './pending.ts';
import { random } from './random.ts';
import { replayScript } from './replayScript.ts';
import { type FaultHost, Site } from './site.ts';

export interface HistoryOptions {
  readonly seed: number;
  readonly programs: readonly Program[];
  /** One host at a time changes something, and sends it before the next one does. */
  readonly inTurn: boolean;
  readonly auto: Auto;
  readonly length: number;
  /** Runs of `-f` and `-F` are among what happens. */
  readonly forcing: boolean;
  /** Our program runs in this process. */
  readonly inProcess: boolean;
}

export const autoMethods = ['none', 'younger', 'first', 'left', 'older', 'bigger', 'smaller', 'right'] as const;
export type Auto = (typeof autoMethods)[number];

/** Paths in which two snapshots differ. */
function differing(a: readonly string[], b: readonly string[]): string[] {
  const [inA, inB] = [new Set(a), new Set(b)];
  const lines = [...a.filter((line) => !inB.has(line)), ...b.filter((line) => !inA.has(line))];
  return [...new Set(lines.map((line) => line.split(' ')[0] as string))];
}

function related(path: string, marked: string): boolean {
  return path === marked || path.startsWith(`${marked}/`) || marked.startsWith(`${path}/`);
}

export interface Played {
  /** None when all is well. */
  readonly complaints: readonly string[];
  /** Plays it again in a shell. */
  readonly script: string;
  /** What there was on the first host in the end. */
  readonly snapshot: readonly string[];
}

/** Plays one random history. */
export async function playHistory(options: HistoryOptions): Promise<Played> {
  const site = new Site({ hosts: options.programs.length, programs: options.programs, inProcess: options.inProcess });
  const history = new History(options, site);
  try {
    await history.play();
    const { complaints, lines } = history;
    return { complaints, script: replayScript(options, lines), snapshot: site.at(0).tree.snapshot() };
  } finally {
    await site.close();
  }
}

class History {
  readonly complaints: string[] = [];
  readonly lines: string[] = [];
  readonly #options: HistoryOptions;
  readonly #site: Site;
  readonly #pending: Pending;
  #stamp = 0;

  constructor(options: HistoryOptions, site: Site) {
    this.#options = options;
    this.#site = site;
    this.#pending = new Pending(site, options.forcing ? 'anything' : options.auto);
  }

  async play(): Promise<void> {
    const { seed, inTurn, auto, length, programs, forcing } = this.#options;
    const rng = random(seed);
    const hosts = this.#site.hosts;
    this.#site.configure(auto === 'none' ? '' : `auto ${auto};`);
    for (const host of hosts) {
      await host.run('-cIr /');
      await host.open();
    }
    for (let step = 0; step < length && this.complaints.length === 0; step++) {
      const at = rng.below(hosts.length);
      for (let edits = 1 + rng.below(4); edits > 0; edits--) {
        this.#edit(at, () => randomEdit(rng, ++this.#stamp, programs.includes('c')));
      }
      if (inTurn) {
        await this.#run([at], '-x');
        this.#compare();
        continue;
      }
      const action = rng.below(forcing ? 7 : 6);
      if (action === 0) await this.#run([at], '-cr /');
      if (action === 1) await this.#run([at], '-x');
      if (action === 2) await this.#run([...hosts.keys()], '-x');
      if (action === 3) await this.#run([at], '-u');
      if (action === 6) await this.#run([at], '-xF');
    }
    if (!inTurn) await this.#settle();
    this.#lookAtServers();
  }

  /** When nothing changes any more, hosts agree but for conflicts, and with force they agree. */
  async #settle(): Promise<void> {
    const all = [...this.#site.hosts.keys()];
    for (let round = 0; round < 2; round++) for (const at of all) await this.#run([at], '-x');
    this.#compare();
    if (this.complaints.length > 0 || this.#dirty().length === 0) return;
    this.#pending.allow();
    for (let round = 0; round < 2; round++) {
      for (const at of all) {
        await this.#run([at], '-fr /');
        await this.#run([at], '-x');
      }
    }
    this.#compare();
    // What stands in the way of a file as a directory with something in it, nobody removes unasked.
    const trees = this.#site.hosts.map(({ tree }) => tree.snapshot());
    const directories = trees.flat().flatMap((line) => /^(\S+) dir /.exec(line)?.[1] ?? []);
    for (const path of trees.flatMap((tree) => differing(trees[0] as string[], tree))) {
      if (!directories.some((directory) => related(path, directory)))
        this.complaints.push(`${path} differs in spite of force`);
    }
  }

  #host(at: number): FaultHost {
    return this.#site.at(at);
  }

  #edit(at: number, make: () => ReturnType<typeof randomEdit>): void {
    const edit = make();
    this.lines.push(`edit ${at + 1} '${shellOf(edit).replaceAll("'", `'\\''`)}'`);
    this.#pending.edit(at, () => carryOut(edit, this.#host(at).tree.root));
  }

  /** The same command on some hosts at the same moment. */
  async #run(on: readonly number[], args: string): Promise<void> {
    const endings = await this.#pending.run(on, args !== '-u', () =>
      Promise.all(on.map((at) => this.#host(at).run(args, 30_000))),
    );
    this.lines.push(`run '${on.map((at) => at + 1).join(' ')}' ${args}`);
    for (const [index, { code, signal, output }] of endings.entries()) {
      const at = (on[index] as number) + 1;
      const note = output.replaceAll('\n', ' ⏎ ').slice(0, 400);
      if (code !== 0) this.lines.push(`# on ${at}: exit ${code ?? signal}: ${note}`);
      if (code === undefined) this.complaints.push(`csync2 ${args} on host ${at} was killed by ${signal}`);
      if (this.#options.inTurn && code !== 0) this.complaints.push(`nobody else changed anything, but: ${note}`);
      if (/\n\s+at .*\.(ts|cjs|js):\d/.test(output)) this.complaints.push(`unforeseen: ${output}`);
    }
    this.complaints.push(...this.#pending.losses());
  }

  #dirty(): string[] {
    const rows = this.#site.hosts.flatMap((host) => host.rows().dirty);
    return rows.map((row) => (row.split(' | ')[0] as string).replace(/^%25t%25\/?/, ''));
  }

  /** In turn, all hosts must be equal after each exchange; else at least at the end, but for conflicts that were told. */
  #compare(): void {
    const trees = this.#site.hosts.map(({ tree }) => tree.snapshot());
    const marked = this.#dirty();
    for (const [at, tree] of trees.entries()) {
      for (const path of differing(trees[0] as string[], tree)) {
        if (!marked.some((name) => related(path, name)))
          this.complaints.push(`${path} differs between hosts 1 and ${at + 1}, and nothing is dirty`);
      }
    }
    this.#compareWithMarks(trees, marked);
    const allEqual = trees.every((tree) => differing(trees[0] as string[], tree).length === 0);
    if (allEqual && marked.length > 0) this.complaints.push(`all are equal, but dirty: ${marked.join(' ')}`);
    if (this.#options.inTurn && !allEqual) this.complaints.push('the hosts differ');
  }

  /** Without a rule, marks in the end are for exactly the files that differ, or stand in each other's way. */
  #compareWithMarks(trees: readonly string[][], marked: readonly string[]): void {
    if (this.#options.programs.includes('c')) return;
    const differ = trees.flatMap((tree) => differing(trees[0] as string[], tree));
    for (const name of marked) {
      if (!differ.some((path) => related(path, name))) this.complaints.push(`${name} is dirty, and nothing differs`);
    }
  }

  #lookAtServers(): void {
    for (const host of this.#site.hosts) {
      if (!host.isServing) this.complaints.push(`the server of ${host.name} is gone: ${host.log.slice(-1000)}`);
      if (/\n\s+at .*\.(ts|cjs|js):\d/.test(host.log)) this.complaints.push(`unforeseen: ${host.log.slice(-3000)}`);
      if (host.leftovers().length > 0) this.complaints.push(`left behind: ${host.leftovers().join(' ')}`);
    }
  }
}
