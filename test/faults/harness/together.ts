import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '../../scenarios/harness/programs.ts';
import { type Random, random } from './random.ts';
import { Scribe } from './scribe.ts';
import { type Ending, type FaultHost, Site } from './site.ts';

/** Programs that work on one host and its database at the same moment. */
export interface Crew {
  readonly serving: Program;
  /** Its sessions are served by a process each, in true parallel. */
  readonly servesEach?: boolean;
  /** Each starts its command again as soon as it has ended, for as long as all this goes on. */
  readonly running: readonly (readonly [program: Program, args: string])[];
}

export interface TogetherOptions {
  readonly crews: readonly Crew[];
  readonly seconds: number;
  /** It goes on until there is so much of each, on a machine that is busy up to ten times as long. */
  readonly atLeast: { readonly runs: number; readonly stamps: number };
  readonly seed: number;
  /** Changes are of one size, and often of one second, on names that all hosts share. */
  readonly areAlike?: boolean;
  /** In front of every command of ours. */
  readonly wrap?: readonly string[];
}

export interface Figures {
  runs: number;
  stamps: number;
  conflicts: number;
}

/** Names that a host writes to at some step: what is in conflict stays so, and others take its place. */
function nameAt(step: number, rng: Random, letter: string): string {
  return rng.below(3) === 0 ? `f${Math.floor(step / 30) * 2 + rng.below(8)}` : `${letter}${rng.below(12)}`;
}

/** Runs crews on two hosts while scribes write to what both share, then lets all come to rest. */
export class Together {
  readonly complaints: string[] = [];
  readonly figures: Figures = { runs: 0, stamps: 0, conflicts: 0 };
  readonly #options: TogetherOptions;
  readonly #site: Site;
  readonly #scribes: readonly Scribe[];
  #end = 0;
  #latestEnd = 0;

  constructor(options: TogetherOptions) {
    this.#options = options;
    this.#site = new Site({ hosts: options.crews.length, programs: options.crews.map(({ serving }) => serving) });
    const removed = new Set<string>();
    const { areAlike } = options;
    this.#scribes = this.#site.hosts.map((host, at) => new Scribe(host, letterOf(at), removed, areAlike));
  }

  #isOver(): boolean {
    const { runs, stamps } = this.#options.atLeast;
    const isEnough = this.figures.runs >= runs && this.#stamps() >= stamps;
    return Date.now() >= (isEnough ? this.#end : this.#latestEnd);
  }

  #stamps(): number {
    return this.#scribes.reduce((sum, { kept }) => sum + kept, 0);
  }

  async play(): Promise<void> {
    const { crews, seconds, wrap = [] } = this.#options;
    const { hosts } = this.#site;
    try {
      this.#site.configure();
      for (const [at, host] of hosts.entries()) {
        await host.run('-cIr /');
        const before = host.program === 'ours' ? wrap : [];
        await ((crews[at] as Crew).servesEach === true ? host.serveEach() : host.serve(false, before));
      }
      this.#end = Date.now() + seconds * 1000;
      this.#latestEnd = Date.now() + seconds * 10_000;
      const runners = hosts.flatMap((host, at) =>
        (crews[at] as Crew).running.map(([program, args]) => this.#keepRunning(host, program, args)),
      );
      await Promise.all([...runners, ...hosts.map((_, at) => this.#keepWriting(at))]);
      await this.#settle();
      for (const host of hosts) this.#lookAtServer(host);
    } finally {
      await this.#site.close();
    }
  }

  async #keepRunning(host: FaultHost, program: Program, args: string): Promise<void> {
    while (!this.#isOver()) {
      const ending = await host.runAs(program, args, 40_000, program === 'ours' ? this.#options.wrap : []);
      this.#examine(host, program, args, ending);
      this.figures.runs += 1;
    }
  }

  async #keepWriting(at: number): Promise<void> {
    const rng = random(this.#options.seed * 100 + at);
    const scribe = this.#scribes[at] as Scribe;
    for (let step = 0; !this.#isOver(); step++) {
      const name = this.#options.areAlike
        ? `f${Math.floor(step / 10) + rng.below(4)}`
        : nameAt(step, rng, letterOf(at));
      if (rng.below(12) === 0) scribe.remove(name);
      else await scribe.write(name);
      await sleep(rng.below(20));
    }
  }

  /** What an end may say: that something is in conflict or was changing, never that it failed otherwise. */
  #examine({ name }: FaultHost, program: Program, args: string, { code, signal, output }: Ending): void {
    const complain = (text: string): void => void this.complaints.push(`${program} ${args} on ${name}: ${text}`);
    // The C program does not always survive it when a file vanishes.
    if (code === undefined && program === 'c' && signal === 'SIGSEGV') return;
    if (code === undefined) complain(`killed by ${signal}`);
    if (/\n\s+at .*\.(ts|cjs|js):\d/.test(output)) complain(`unforeseen: ${output}`);
    if (code !== 0 && !(program === 'c' ? endsOfC : ends).test(output))
      complain(`exit ${code}: ${output.slice(0, 600)}`);
    if (trouble.test(output)) complain(output.slice(0, 600));
  }

  /**
   * Nothing changes any more: all that differs is known, and whoever forces it gets his way. Where the C program has left
   * files that differ without a mark, a comparison has to find them first.
   */
  async #settle(): Promise<void> {
    const { hosts } = this.#site;
    this.#lookForLosses('when all had come to an end');
    const update = async (): Promise<string> => {
      let said = '';
      for (const host of hosts) said += (await host.runAs('ours', '-x')).output;
      return said;
    };
    for (let round = 0; round < 2; round++) await update();
    if (this.#options.crews.some(leavesUnmarked)) await (hosts[0] as FaultHost).runAs('ours', '-TIX');
    const said = await update();
    this.#lookForLosses('when all was quiet');
    this.figures.stamps = this.#stamps();
    const marked = new Set(hosts.flatMap((host) => host.rows().dirty).map(nameOfRow));
    const differing = this.#differing();
    this.figures.conflicts = differing.size;
    for (const name of differing) {
      if (!marked.has(name)) this.complaints.push(`${name} differs, and nothing is dirty`);
      if (!said.includes(`/${name}:`)) this.complaints.push(`${name} differs, and nobody says so: ${said}`);
    }
    for (const name of marked) if (!differing.has(name)) this.complaints.push(`${name} is dirty, and all are equal`);
    // The first may know nothing of a conflict among the others.
    for (const host of hosts.slice(0, -1)) for (const args of ['-fr /', '-x']) await host.runAs('ours', args);
    for (const host of hosts) await host.runAs('ours', '-x');
    for (const name of this.#differing()) this.complaints.push(`${name} differs in spite of force`);
  }

  #differing(): Set<string> {
    const [first = [], ...others] = this.#site.hosts.map(({ tree }) => tree.snapshot());
    const lines = others.flatMap((other) => [
      ...first.filter((line) => !other.includes(line)),
      ...other.filter((line) => !first.includes(line)),
    ]);
    return new Set(lines.map((line) => line.split(' ')[0] as string));
  }

  #lookForLosses(when: string): void {
    for (const [at, scribe] of this.#scribes.entries()) {
      if (losesMarks(this.#options.crews[at] as Crew)) continue;
      for (const loss of scribe.losses()) this.complaints.push(`${loss} was lost (${when})`);
    }
  }

  #lookAtServer(host: FaultHost): void {
    if (!host.isServing) this.complaints.push(`the server of ${host.name} is gone: ${host.log.slice(-1000)}`);
    if (/\n\s+at .*\.(ts|cjs|js):\d/.test(host.log) || trouble.test(host.log))
      this.complaints.push(`the server of ${host.name}: ${host.log.slice(-3000)}`);
  }
}

/**
 * A C server replaces what has changed since it looked, and a C client clears the mark of a file that it has sent, also
 * one that our server has made anew since. A check of the C program records a change in one transaction and marks it in the next:
 * in between, whoever serves on that database lets a peer replace it.
 */
function losesMarks({ serving, running }: Crew): boolean {
  return serving === 'c' || running.some(([program]) => program === 'c');
}

/**
 * A file that a session of the C program is at, attribute after attribute, passes for changed in a check beside it; what
 * comes of that ends with the attributes of the one host here and of the other there. Of that, and of the marks it loses,
 * hosts of the C program alone also end with files that differ without a mark: in 5 seconds of this, every third time.
 */
export function leavesUnmarked({ serving, running }: Crew): boolean {
  return serving === 'c' || running.some(([program, args]) => program === 'c' && !args.startsWith('-c'));
}

const ends = /dirty here|changed while|vanish|No such file/i;
/** The C program names a conflict only when asked to, ends when a file vanishes, and has one wait for the database. */
const endsOfC = /Finished with \d+ errors|This should not happen: Can't stat|Database backend is exceedingly busy/;
const trouble = /locked|malformed|corrupt|disk image/i;

const letterOf = (at: number): string => String.fromCharCode(97 + at);

function nameOfRow(row: string): string {
  return (row.split(' | ')[0] as string).replace(/^%25t%25\/?/, '');
}
