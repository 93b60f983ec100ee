import { spawnSync } from 'node:child_process';
import type { Program } from '../../scenarios/harness/programs.ts';
import { random, type Random } from './random.ts';
import { Site } from './site.ts';

export interface HistoryOptions {
  readonly seed: number;
  readonly programs: readonly Program[];
  /** One host at a time changes something, and sends it before the next one does. */
  readonly inTurn: boolean;
  readonly auto: 'none' | 'younger' | 'first' | 'left';
  readonly length: number;
}

const files = ['a', 'b', 'd/x', 'd/y', 'd/e/z'];
const directories = ['d', 'd/e', 'f'];

/** One random edit as a shell command that does nothing where it makes no sense. `stamp` is never used twice. */
function edit(rng: Random, stamp: number, mixed: boolean): string {
  const file = rng.pick(files);
  const other = rng.pick(files);
  const directory = rng.pick(directories);
  const touch = (name: string): string => `touch -h -d @${1_700_000_000 + stamp} ${name}`;
  const write = `[ ! -p ${file} ] || rm ${file}; mkdir -p $(dirname ${file}) && echo ${stamp} >${file} && ${touch(file)}`;
  const kinds = [
    write,
    write,
    `[ ! -f ${file} ] || { echo ${stamp} >>${file}; ${touch(file)}; }`,
    `[ ! -f ${file} ] || { head -c ${20_000 + stamp} /dev/zero | tr '\\0' x >>${file}; ${touch(file)}; }`,
    `rm -rf ${file}`,
    `rm -rf ${directory}`,
    `[ ! -f ${file} ] || [ ! -d $(dirname ${other}) ] || [ -d ${other} ] || mv -T ${file} ${other}`,
    `[ ! -f ${file} ] || { chmod ${rng.pick(['600', '644', '755', '4711'])} ${file}; ${touch(file)}; }`,
    `[ ! -f ${file} ] || { chown ${rng.below(4)}:${rng.below(4)} ${file}; ${touch(file)}; }`,
    `mkdir -p ${directory} && chmod ${rng.pick(['700', '755', '711'])} ${directory}`,
  ];
  // What the C program gets wrong: link targets under a prefix, and types that change.
  const bolder = [
    `[ ! -d $(dirname ${file}) ] || { rm -rf ${file}; ln -s target-${stamp} ${file}; }`,
    `[ ! -d $(dirname ${directory}) ] || { rm -rf ${directory}; echo ${stamp} >${directory}; ${touch(directory)}; }`,
    `[ ! -d $(dirname ${file}) ] || { rm -rf ${file}; mkdir ${file}; echo ${stamp} >${file}/inner; ${touch(`${file}/inner`)}; }`,
    `[ ! -d $(dirname ${file}) ] || { rm -rf ${file}; mkfifo ${file}; ${touch(file)}; }`,
  ];
  return rng.pick(mixed ? kinds : [...kinds, ...bolder]);
}

/** Paths in which two snapshots differ. */
function differing(a: readonly string[], b: readonly string[]): string[] {
  const [inA, inB] = [new Set(a), new Set(b)];
  const lines = [...a.filter((line) => !inB.has(line)), ...b.filter((line) => !inA.has(line))];
  return [...new Set(lines.map((line) => line.split(' ')[0] as string))];
}

function related(path: string, marked: string): boolean {
  return path === marked || path.startsWith(`${marked}/`) || marked.startsWith(`${path}/`);
}

/** Plays one random history. The complaints are empty when all is well; `script` tells what was done. */
export async function playHistory(options: HistoryOptions): Promise<{ complaints: string[]; script: string }> {
  const { programs, inTurn, auto, length } = options;
  const rng = random(options.seed);
  const site = new Site({ hosts: programs.length, programs });
  const script: string[] = [`# ${JSON.stringify(options)}`];
  const complaints: string[] = [];
  const mixed = programs.includes('c');
  let stamp = 0;

  const change = (at: number): void => {
    const command = edit(rng, ++stamp, mixed);
    script.push(`(cd tree${at + 1}; ${command})`);
    // What a command finds in its way makes it fail: then it was another edit, or none.
    spawnSync('sh', ['-c', command], { cwd: site.at(at).tree.root });
  };
  const run = async (at: number, args: string): Promise<void> => {
    const result = await site.at(at).run(args, 15_000);
    const note = result.output.replaceAll('\n', ' ⏎ ').slice(0, 400);
    script.push(
      `csync2@${at + 1} ${args}   # exit ${result.code ?? result.signal}${result.code === 0 ? '' : `: ${note}`}`,
    );
    if (result.code === undefined) complaints.push(`csync2 ${args} on host ${at + 1} was killed by ${result.signal}`);
    if (inTurn && result.code !== 0) complaints.push(`nobody else changed anything, but: ${note}`);
  };
  /** In turn, all hosts must be equal after each exchange; else at least at the end, but for conflicts that were told. */
  const compare = (): void => {
    const trees = site.hosts.map(({ tree }) => tree.snapshot());
    const dirty = site.hosts.flatMap((host) => host.rows().dirty.map((row) => row.split(' | ')[0] as string));
    const marked = dirty.map((name) => name.replace(/^%25t%25\/?/, ''));
    for (const [at, tree] of trees.entries()) {
      for (const path of differing(trees[0] as string[], tree)) {
        if (!marked.some((name) => related(path, name)))
          complaints.push(`${path} differs between hosts 1 and ${at + 1}, and nothing is dirty`);
      }
    }
    const allEqual = trees.every((tree) => differing(trees[0] as string[], tree).length === 0);
    if (allEqual && marked.length > 0) complaints.push(`all are equal, but dirty: ${marked.join(' ')}`);
    if (inTurn && !allEqual) complaints.push('the hosts differ');
  };

  try {
    site.configure(auto === 'none' ? '' : `auto ${auto};`);
    for (const host of site.hosts) {
      await host.run('-cIr /');
      await host.serve();
    }
    for (let step = 0; step < length && complaints.length === 0; step++) {
      const at = rng.below(programs.length);
      for (let edits = 1 + rng.below(4); edits > 0; edits--) change(at);
      if (inTurn) {
        await run(at, '-x');
        compare();
      } else {
        const action = rng.below(4);
        if (action === 0) await run(at, '-cr /');
        if (action === 1) await run(at, '-x');
      }
    }
    if (complaints.length === 0 && !inTurn) {
      for (let round = 0; round < 3; round++) for (const at of programs.keys()) await run(at, '-x');
      compare();
    }
    for (const host of site.hosts) {
      if (host.server === undefined) complaints.push(`the server of ${host.name} is gone: ${host.log.slice(-1000)}`);
      if (/\n\s+at .*\.(ts|cjs|js):\d/.test(host.log)) complaints.push(`unforeseen: ${host.log.slice(-3000)}`);
    }
  } finally {
    await site.close();
  }
  return { complaints, script: script.join('\n') };
}
