import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isInstalled, isRoot } from '../scenarios/harness/programs.ts';
import { until } from '../scenarios/harness/process.ts';
import { random } from './harness/random.ts';
import { type FaultHost, Site } from './harness/site.ts';
import { type Crew, leavesUnmarked, Together } from './harness/together.ts';
import { WireTap } from './harness/wireTap.ts';

/** Something to wait for that somebody else decides on. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('two runs of one host at the same moment', () => {
  for (const isLost of [false, true]) {
    const heard = isLost ? 'the answer is lost' : 'the answer is heard';
    test(`an older content that arrives after a newer one is not taken for it, ${heard}`, async () => {
      const site = new Site({ hosts: 2 });
      const [client, server] = [site.at(0), site.at(1)];
      const tap = new WireTap({ host: server.name, port: 30_866 });
      try {
        site.configure();
        await server.serve(true);
        await tap.listen(server.name, 30_865);
        assert.equal((await client.run('-x')).code, 0);
        const [olderMayGo, olderIsSent] = [gate(), gate()];
        const [newerMayEnd, newerIsThere] = [gate(), gate()];
        let [contents, answers] = [0, 0];
        tap.onLine = async ({ way, line }) => {
          if (way === 'request') {
            if (!line.startsWith('XPUT') || ++contents !== 1) return 'pass';
            olderIsSent.open();
            await olderMayGo.opened;
            return 'pass';
          }
          answers += 1;
          if (answers === greeting && isLost) {
            await until(() => server.tree.read('file') === 'of old' && contents === 2, 20_000);
            return 'cut';
          }
          if (answers !== 2 * greeting + 1) return 'pass';
          newerIsThere.open();
          await newerMayEnd.opened;
          return 'pass';
        };
        client.tree.write('file', 'of old');
        await client.run('-cr /');
        const first = client.run('-u');
        await olderIsSent.opened;
        client.tree.write('file', 'something new', { mtime: 1_700_000_100 });
        await client.run('-cr /');
        const second = client.run('-u');
        await newerIsThere.opened;
        olderMayGo.open();
        assert.equal((await first).code, isLost ? 1 : 0);
        assert.equal(server.tree.read('file'), 'of old');
        newerMayEnd.open();
        await second;
        assert.notDeepEqual(client.rows().dirty, [], 'somebody knows that the peer has another content');
        const { code, output } = await client.run('-x');
        assert.equal(code, 0, output);
        assert.equal(server.tree.read('file'), 'something new');
        for (const host of site.hosts) assert.deepEqual(host.rows().dirty, []);
        assert.equal((await client.run('-T')).code, 2);
      } finally {
        await tap.close();
        await site.close();
      }
    });
  }
});

describe('runs at the same moment, each served by a process of its own', () => {
  test('of two peers: none takes a change that was made here for what another is about to put there, though it has its size and second', async () => {
    const site = new Site({ hosts: 3 });
    const [one, other, server] = [site.at(0), site.at(1), site.at(2)];
    const names = Array.from({ length: 1000 }, (_, at) => `f${at}`);
    const write = (host: FaultHost, content: string, time: number, written = names): void => {
      for (const name of written) {
        host.tree.write(name, content);
        fs.utimesSync(host.tree.path(name), time, time);
      }
    };
    try {
      site.configure();
      for (const host of site.hosts) {
        write(host, 'old   ', 1_600_000_000);
        assert.equal((await host.run('-cIr /')).code, 0);
      }
      await server.serveEach();
      for (const host of [one, other]) write(host, 'theirs', 1_700_000_000.25);
      const changed = names.filter((_, at) => at % 2 === 0);
      write(server, 'ours  ', 1_700_000_000.75, changed);
      const runs = [one, other, one, other].map((host) => host.run(`-xP ${server.name}`));
      for (const { code, output } of await Promise.all(runs)) assert.equal(code, 1, output);
      assert.deepEqual(
        changed.filter((name) => server.tree.read(name) !== 'ours  '),
        [],
      );
      assert.deepEqual(
        names.filter((name, at) => at % 2 === 1 && server.tree.read(name) !== 'theirs'),
        [],
      );
    } finally {
      await site.close();
    }
  });

  test('what only one host changes is never in conflict, however many of its runs overlap', async () => {
    const site = new Site({ hosts: 2 });
    const [writer, server] = [site.at(0), site.at(1)];
    const names = Array.from({ length: 500 }, (_, at) => `f${at}`);
    const rng = random(1);
    let count = 0;
    const change = (name: string): void => {
      const path = writer.tree.path(name);
      count += 1;
      const way = rng.below(6);
      const isDirectory = fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
      if (way < 2 || isDirectory) fs.rmSync(path, { recursive: true, force: true });
      if (way === 0) writer.tree.mkdir(name);
      if (way > 1) writer.tree.write(name, 'x'.repeat(count % 3000), { mtime: 1_600_000_000 + count });
    };
    try {
      site.configure();
      for (const name of names) for (const host of site.hosts) host.tree.write(name, 'first');
      for (const host of site.hosts) assert.equal((await host.run('-cIr /')).code, 0);
      await server.serveEach();
      for (let round = 0; round < 3; round++) {
        for (const name of names) change(name);
        const runs = [0, 100, 200].map(async (after) => {
          await sleep(after);
          return (await writer.run('-x')).output;
        });
        const all = Promise.all(runs);
        let isOver = false;
        void all.finally(() => (isOver = true));
        while (!isOver) {
          for (let at = 0; at < 10; at++) change(rng.pick(names));
          await sleep(1);
        }
        for (const output of await all) assert.doesNotMatch(output, /dirty here/);
      }
      const last = await writer.run('-x');
      assert.equal(last.code, 0, last.output);
      assert.deepEqual(server.tree.snapshot(), writer.tree.snapshot());
    } finally {
      await site.close();
    }
  });
});

/** Answers before the first file: to CONFIG, CAPS and HELLO. */
const greeting = 3;

const ours: Crew = { serving: 'ours', running: [['ours', '-x']] };
const alike = 'two -x on either host, one served by a process for each session, changes that look alike';
const crews: Record<string, readonly Crew[]> = {
  '-x, -x and -c on one host, -x on the other': [
    {
      serving: 'ours',
      running: [
        ['ours', '-x'],
        ['ours', '-x'],
        ['ours', '-cr /'],
      ],
    },
    ours,
  ],
  '-c of the C program beside our -x and our server': [
    {
      serving: 'ours',
      running: [
        ['c', '-cr /'],
        ['ours', '-x'],
      ],
    },
    ours,
  ],
  '-x of the C program beside our server, our -x beside a C server': [
    { serving: 'ours', running: [['c', '-x']] },
    { serving: 'c', running: [['ours', '-x']] },
  ],
  [alike]: [
    {
      serving: 'ours',
      servesEach: true,
      running: [
        ['ours', '-x'],
        ['ours', '-x'],
      ],
    },
    {
      serving: 'ours',
      running: [
        ['ours', '-x'],
        ['ours', '-x'],
      ],
    },
  ],
};
/** MINUTES=n, for scripts/soak. */
const minutes = process.env['MINUTES'];
const seconds = minutes !== undefined ? Number(minutes) * 60 : process.env['LONG_TESTS'] === undefined ? 5 : 120;
/** Less would prove little. */
const atLeast = { runs: 4, stamps: 21 };

describe('programs at work on the same databases at the same moment, while files change', { concurrency: 3 }, () => {
  for (const [what, crew] of Object.entries(crews)) {
    const promise = crew.some(leavesUnmarked)
      ? 'all that differs is known, or found by comparing'
      : 'nothing is lost, all that differs is known';
    test(`${what}: ${promise}`, async (t) => {
      if (!isRoot) return t.skip('skipped: needs root');
      const needsC = what.includes('C program');
      if (needsC && !isInstalled('c')) return t.skip('skipped: csync2 (the C program) is not installed');
      const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
      const together = new Together({ crews: crew, seconds, atLeast, seed, areAlike: what === alike });
      await together.play();
      const { runs, stamps, conflicts } = together.figures;
      t.diagnostic(`seed ${seed}: ${runs} runs, ${stamps} changes, ${conflicts} conflicts`);
      assert.deepEqual(together.complaints, []);
      assert.ok(runs >= atLeast.runs && stamps >= atLeast.stamps);
    });
  }
});
