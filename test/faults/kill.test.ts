import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { isRoot } from '../scenarios/harness/programs.ts';
import { random, type Random } from './harness/random.ts';
import { drop, Reader, writeDescribed } from './harness/selfDescribing.ts';
import { type FaultHost, Site } from './harness/site.ts';
import { type Verdict, WireTap } from './harness/wireTap.ts';

const long = process.env['LONG_TESTS'] !== undefined;
const described = ['a', 'big', 's0', 's1', 's2', 's3', 'changing'];

/** Edits that between them use every command that changes something. */
function edit(client: FaultHost, round: number): void {
  const { tree } = client;
  const base = 1_700_000_000 + round;
  const owner = isRoot
    ? { uid: round % 3, gid: (round + 1) % 3 }
    : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const put = (name: string, size: number, mode: number): void => {
    writeDescribed(tree, name, { ...owner, mode, mtime: base, size, version: round });
  };
  put('a', 100 + (round % 7), [0o600, 0o644, 0o4755][round % 3] as number);
  put('big', 200_000 + round, 0o640 + (round % 2));
  for (let at = 0; at < 4; at++) if ((round + at) % 2 === 0) put(`s${at}`, 60 + at, 0o644);
  drop(tree, 'changing');
  const kind = round % 5;
  if (kind === 0) put('changing', 5000, 0o600);
  if (kind === 1) {
    tree.mkdir('changing', { mode: 0o750 });
    tree.write('changing/inner', `${round}`);
  }
  if (kind === 2) tree.symlink('changing', `target-${round}`);
  if (kind === 3) tree.fifo('changing', { mode: 0o620, mtime: base });
  drop(tree, `dir${round - 2}`);
  tree.mkdir(`dir${round}/deep/er`);
  tree.write(`dir${round}/file`, `${round}`);
  tree.write(`dir${round}/deep/er/file`, `${round}`);
  if (!tree.names().includes('untouched')) tree.write('untouched', 'same');
  tree.set('untouched', { mtime: base });
}

type Victim = 'client' | 'server' | 'connection';

interface Trial {
  readonly victim: Victim;
  /** Counted over both ways. */
  readonly line: number;
  readonly delay: number;
  /** The other host looks at its files before the client comes back. */
  readonly checked: boolean;
  /** The client's files change once more before it comes back. */
  readonly editedAgain: boolean;
}

/** Two hosts and a tap between them: the first one sends, the second one receives. */
async function withPair(work: (pair: Pair) => Promise<void>): Promise<void> {
  const site = new Site({ hosts: 2 });
  const [client, server] = [site.at(0), site.at(1)];
  const tap = new WireTap({ host: server.name, port: 30_866 });
  const acted = join(server.root, 'acted');
  try {
    site.configure(`action { pattern %t%/a; pattern %t%/s*; exec "printf '%s\\n' %% >>${acted}"; }`);
    await tap.listen(server.name, 30_865);
    await server.serve(true);
    await work({ client, server, tap, acted });
  } finally {
    await tap.close();
    await site.close();
  }
}

interface Pair {
  readonly client: FaultHost;
  readonly server: FaultHost;
  readonly tap: WireTap;
  readonly acted: string;
}

async function play({ client, server, tap, acted }: Pair, round: number, trial: Trial): Promise<void> {
  const { victim, line, delay, checked, editedAgain } = trial;
  rmSync(acted, { force: true });
  edit(client, round * 2);
  const running = client.start(['-x']);
  tap.count = 0;
  let struck = false;
  tap.onLine = async ({ number }): Promise<Verdict> => {
    if (number !== line) return 'pass';
    struck = true;
    tap.onLine = () => 'cut';
    if (delay > 0) await sleep(delay);
    if (victim === 'client') running.child.kill('SIGKILL');
    if (victim === 'server') server.server?.kill('SIGKILL');
    return 'cut';
  };
  const first = await running.ending;
  tap.onLine = () => 'pass';
  const what = `round ${round}: ${JSON.stringify(trial)}`;
  if (struck && victim !== 'client') assert.equal(first.code === 0 && line < 20, false, what);
  if (victim === 'server' && struck) {
    await server.kill();
    await server.serve(true);
  }
  if (checked) await server.run('-cr /');
  if (editedAgain) edit(client, round * 2 + 1);
  const second = await client.run('-x -v');
  assert.equal(
    second.code,
    0,
    `${what}\n${first.output}\n--- rerun\n${second.output}\n--- server\n${server.log.slice(-3000)}`,
  );
  assert.deepEqual(server.tree.snapshot(), client.tree.snapshot(), what);
  assert.deepEqual(server.rows().dirty, [], `${what}: the server took for a change of its own what the client sent`);
  assert.deepEqual(client.rows().dirty, [], what);
  assert.deepEqual(server.leftovers(), [], what);
  for (let patience = 2000; server.rows().action.length > 0 && patience > 0; patience--) await sleep(10);
  assert.deepEqual(server.rows().action, [], what);
  const done = existsSync(acted) ? readFileSync(acted, 'latin1').split('\n') : [];
  assert.ok(done.includes(server.tree.path('a')), `${what}: the action for a did not run`);
}

async function lineCount(pair: Pair): Promise<number> {
  edit(pair.client, 0);
  pair.tap.count = 0;
  assert.equal((await pair.client.run('-x')).code, 0);
  edit(pair.client, 2);
  pair.tap.count = 0;
  assert.equal((await pair.client.run('-x')).code, 0);
  return pair.tap.count;
}

function trialAt(line: number, rng: Random, victims: readonly Victim[]): Trial {
  return {
    victim: victims[rng.below(victims.length)] as Victim,
    line,
    delay: rng.below(4) * rng.below(3),
    checked: rng.below(2) === 0,
    editedAgain: rng.below(2) === 0,
  };
}

interface Team {
  readonly victims: readonly Victim[];
  /** Nothing is known of extensions: a file takes several requests, as C clients send it. */
  readonly inSteps: boolean;
  /** Of the trials. */
  readonly share: number;
}

const teams: readonly Team[] = [
  { victims: ['server'], inSteps: false, share: 0.3 },
  { victims: ['client', 'connection'], inSteps: false, share: 0.3 },
  { victims: ['server'], inSteps: true, share: 0.2 },
  { victims: ['client', 'connection'], inSteps: true, share: 0.2 },
];

describe('killed in the middle', { concurrency: 2 }, () => {
  const seed = Number(process.env['SEED'] ?? 1);
  const total = Number(process.env['TRIALS'] ?? (long ? 300 : 40));
  for (const { victims, inSteps, share } of teams) {
    const trials = Math.ceil(total * share);
    const who = `${victims.join(' or ')}${inSteps ? ', commands step by step' : ''}`;
    test(`${who}: running again completes, nobody saw half a file (${trials} trials)`, async (t) => {
      await withPair(async (pair) => {
        if (inSteps) pair.tap.rewrite = (line) => (line.startsWith('CAPS') ? 'CAPS' : line);
        const lines = await lineCount(pair);
        const rng = random(seed);
        const reader = new Reader(pair.server.tree.root, described, join(pair.server.root, 'report'));
        try {
          for (let at = 0; at < trials; at++) {
            const line = 3 + Math.floor(((at + rng.below(100) / 100) * (lines - 3)) / trials);
            await play(pair, at + 2, trialAt(line, rng, victims));
          }
        } finally {
          const { complaints, read } = await reader.stop();
          assert.deepEqual(complaints.slice(0, 5), []);
          assert.ok(read > 50, `only ${read} files were read`);
          t.diagnostic(`${trials} kills over ${lines} lines; ${read} files were read, all whole`);
        }
      });
    });
  }
});
