// What is measured. A job has contestants; each is prepared once, and then runs once a round, in turn with the others.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { measure } from './measure.mjs';
import { rsyncServer, Site } from './site.mjs';
import { editFile, makeLargeFile } from './tree.mjs';

/** Exit status of a mode that found nothing to list or no difference. */
const nothing = 2;

/**
 * `bench` has `directory` (fresh), `credentials`, `tree`, `files` (how many are in it), `largeSize`, `full`, `ours`, `theirs`.
 * Each job: `name`, `isLong` (few rounds), `contestants`: `name`, `prepare`, `run` (gives a measurement). The first
 * contestant is what the others are compared with.
 */
export function jobs(bench) {
  return [start(bench), unchanged(bench), first(bench), compare(bench), identical(bench), push(bench), large(bench)];
}

let sites = 0;

function newSite(bench, options) {
  return new Site(join(bench.directory, `site-${sites++}`), {
    credentials: bench.credentials,
    tree: bench.tree,
    ...options,
  });
}

/** The pairs of programs that work together, C with C first. */
function pairings({ ours, theirs }) {
  return [
    { name: 'C to C', programs: { asks: theirs, serves: theirs } },
    { name: 'ours to C', programs: { asks: ours, serves: theirs } },
    { name: 'ours to ours', programs: { asks: ours, serves: ours } },
  ];
}

/** Each of the two programs on its own. */
function alone({ ours, theirs }) {
  return [
    { name: 'C', programs: { asks: theirs, serves: theirs } },
    { name: 'ours', programs: { asks: ours, serves: ours } },
  ];
}

function start(bench) {
  const own = alone(bench).map(({ name, programs }) => {
    let site;
    return {
      name: `${name} -H`,
      prepare: () => (site = newSite(bench, { programs })),
      run: () => site.local(['-H'], [nothing]),
    };
  });
  const node = { name: 'node -e 0', prepare() {}, run: () => measure([process.execPath, '-e', '0']) };
  return { name: 'start, empty database', contestants: [node, ...own.toReversed()] };
}

function unchanged(bench) {
  const contestants = alone(bench).map(({ name, programs }) => {
    let site;
    const prepare = () => {
      site = newSite(bench, { programs });
      site.local(['-cIr', '/']);
    };
    return { name, prepare, run: () => site.local(['-cr', '/']) };
  });
  return { name: 'check, nothing changed (-cr /)', contestants };
}

function first(bench) {
  const contestants = alone(bench).map(({ name, programs }) => ({
    name,
    prepare() {},
    run: () => newSite(bench, { programs }).local(['-cIr', '/']),
  }));
  return { name: 'first check (-cIr /)', contestants };
}

/** Both hosts have the very same files, and each has checked them itself. */
function checkedSite(bench, options) {
  const site = newSite(bench, options);
  site.local(['-cIr', '/']);
  site.onServer(['-cIr', '/']);
  return site;
}

function compare(bench) {
  const contestants = pairings(bench).map(({ name, programs }) => {
    let site;
    return {
      name,
      prepare: () => (site = checkedSite(bench, { programs })),
      run: () => site.remote(['-T'], [nothing]),
    };
  });
  return { name: 'compare, in sync (-T)', contestants: [...contestants, dryRsync(bench)] };
}

function dryRsync(bench) {
  const run = () => withRsync(bench, bench.tree, (url) => ['rsync', '-a', '--dry-run', `${bench.tree}/`, url]);
  return { name: 'rsync -a --dry-run', prepare() {}, run };
}

async function withRsync(bench, path, command) {
  const daemon = await rsyncServer(join(bench.directory, `rsync-${sites++}`), path);
  try {
    return measure(command(daemon.url));
  } finally {
    await daemon.stop();
  }
}

function identical(bench) {
  const contestants = pairings(bench).map(({ name, programs }) => {
    let site;
    const run = () => {
      site.local(['-mr', bench.tree]);
      return site.remote(['-u']);
    };
    return { name, prepare: () => (site = checkedSite(bench, { programs })), run };
  });
  return { name: 'all dirty but identical (-mr, then -u)', isLong: true, contestants };
}

function push(bench) {
  const plain = pairings(bench).map((pairing) => pushOne(bench, pairing, false));
  const secured = pairings(bench)
    .filter(({ name }) => bench.full || name !== 'ours to C')
    .map((pairing) => pushOne(bench, pairing, true));
  const rsync = {
    name: 'rsync -a',
    prepare() {},
    async run() {
      const copy = emptyCopy(bench);
      const measured = await withRsync(bench, copy, (url) => ['rsync', '-a', `${bench.tree}/`, url]);
      mustBeFull(bench, copy);
      return measured;
    },
  };
  return { name: 'to an empty peer (-x)', isLong: true, contestants: [...plain, ...secured, rsync] };
}

function pushOne(bench, { name, programs }, tls) {
  const run = async () => {
    const copy = emptyCopy(bench);
    const measured = await newSite(bench, { programs, copy, tls }).remote(['-x']);
    mustBeFull(bench, copy);
    return measured;
  };
  return { name: tls ? `${name}, TLS` : name, prepare() {}, run };
}

/** A new one every time: for minutes after many files were removed, file systems are slow at making new ones. */
function emptyCopy(bench) {
  const copy = join(bench.directory, `copy-${sites++}`);
  mkdirSync(copy);
  return copy;
}

function mustBeFull(bench, copy) {
  const count = (path) => readdirSync(path, { recursive: true, encoding: 'latin1' }).length;
  bench.entries ??= count(bench.tree);
  const found = count(copy);
  if (found !== bench.entries) throw new Error(`${copy} has ${found} entries in place of ${bench.entries}`);
}

function large(bench) {
  const files = join(bench.directory, 'large');
  const [before, after] = [join(files, 'before'), join(files, 'after')];
  const made = () => {
    mkdirSync(files);
    makeLargeFile(before, bench.largeSize);
    copyFileSync(before, after);
    editFile(after, bench.largeSize, 200);
  };
  const make = once(made);
  const csync2 = pairings(bench).map(({ name, programs }) => {
    let site, copy;
    const prepare = () => {
      make();
      const tree = join(bench.directory, `large-tree-${sites++}`);
      mkdirSync(tree);
      copyFileSync(after, join(tree, 'file'));
      copy = emptyCopy(bench);
      site = newSite(bench, { programs, tree, copy });
      site.local(['-cIr', '/']);
    };
    const run = () => {
      copyFileSync(before, join(copy, 'file'));
      site.onServer(['-cIr', '/']);
      site.local(['-mr', site.tree]);
      return site.remote(['-u']);
    };
    return { name, prepare, run };
  });
  const rsync = {
    name: 'rsync -a',
    prepare: make,
    run() {
      const copy = emptyCopy(bench);
      copyFileSync(before, join(copy, 'after'));
      return withRsync(bench, copy, (url) => ['rsync', '-a', after, url]);
    },
  };
  const name = `one file of ${Math.round(bench.largeSize / (1 << 20))} MiB, 200 small edits (-u)`;
  return { name, isLong: true, contestants: [...csync2, rsync] };
}

function once(action) {
  let isDone = false;
  return () => {
    if (!isDone) action();
    isDone = true;
  };
}
