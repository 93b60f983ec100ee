import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { Cluster, contents, type Host } from './cluster.ts';

/** Milliseconds of work before everything has to come to rest. */
const duration = process.env['LONG_TESTS'] === undefined ? 8000 : 60_000;

/** How often each of them has to have had its turn: a busy machine gets more time for that, but not for ever. */
const turns = 3;
const patience = 10 * duration;

/** What may be said while files change under two hosts and several processes: that somebody else was first. */
const expected = [
  /^While syncing file /,
  /^ERROR from peer .*: (File is also marked dirty here!|No such file or directory|Parent dir missing\.)$/,
  /^File stays in dirty state\. Try again later\.\.\.$/,
  /^Finished with \d+ errors\.$/,
  /: changed while it was sent$/,
  /^\/\S+\/tree\/\S+: (No such file or directory|Parent dir missing\.|Resource temporarily unavailable)$/,
];

/** Several csync2 of two hosts at once, both databases on one server. `url` gives that of a database by its name. */
export function togetherTests(url: (database: string) => string): void {
  test('many runs at once on two hosts, both serving: no error but conflicts, no mark lost', async (t) => {
    const cluster = new Cluster(2, (host) => url(`together_${host}`));
    t.after(() => cluster.close());
    const [first, second] = cluster.pair;
    for (const host of [first, second]) await host.serve();
    const counts: number[] = [];
    const begin = Date.now();
    const isOn = (): boolean => {
      const passed = Date.now() - begin;
      return passed < duration || (passed < patience && counts.some((count) => count < turns));
    };
    const again = async (act: (round: number) => Promise<void>): Promise<void> => {
      const index = counts.push(0) - 1;
      for (let round = 0; isOn(); round++) {
        await act(round);
        counts[index] = round + 1;
      }
    };
    const complaints: string[] = [];
    const csync2 = (host: Host, ...args: string[]): Promise<void> =>
      again(async () => {
        complaints.push(...complaintsOf(host, (await host.run(...args)).stderr));
      });
    await Promise.all([
      again(edits(first, 'a')),
      again(edits(second, 'b')),
      csync2(first, '-x'),
      csync2(first, '-x'),
      csync2(first, '-cr', '/'),
      csync2(second, '-x'),
    ]);
    assert.ok(
      counts.every((count) => count >= turns),
      `every one got its turns: ${counts.join(' ')}`,
    );
    for (const host of [first, second]) complaints.push(...complaintsOf(host, serverErrors(host.log)));
    assert.deepEqual(complaints, []);
    await comeToRest(first, second);
    for (const host of [first, second]) assert.ok(host.isServing);
  });
}

/**
 * Rounds that replace files below a directory of its own, create and delete some, and now and then one that both hosts
 * change. Files are put in place whole, as careful programs do it.
 */
function edits(host: Host, area: string): (round: number) => Promise<void> {
  const put = (name: string, content: string): void => {
    const fresh = join(host.root, 'fresh');
    writeFileSync(fresh, content);
    renameSync(fresh, join(host.tree, name));
  };
  mkdirSync(join(host.tree, area));
  return async (round) => {
    for (let file = 0; file < 20; file++) {
      put(`${area}/${file}`, `${area} ${round} ${'x'.repeat((round * 7 + file) % 500)}`);
    }
    const directory = `${area}/d${round % 3}`;
    rmSync(join(host.tree, directory), { recursive: true, force: true });
    mkdirSync(join(host.tree, directory));
    for (let file = 0; file < 5; file++) put(`${directory}/${round}-${file}`, `${round}`);
    if (round % 10 === 0) put('both', `${area} ${round}`);
    await pause(150);
  };
}

function complaintsOf(host: Host, stderr: string): string[] {
  const lines = stderr.split('\n').filter((line) => line !== '' && !expected.some((known) => known.test(line)));
  return lines.map((line) => `${host.name}: ${line}`);
}

/** What of a daemon's log (`-v`) is trouble with its database, or not foreseen at all. */
function serverErrors(log: string): string {
  return log
    .split('\n')
    .filter((line) => /database|locked|connection lost|^ {4}at |end of the stream/i.test(line))
    .join('\n');
}

/** Each host sends what it has; a conflict that is left the first one wins. Then all is the same everywhere. */
async function comeToRest(first: Host, second: Host): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const codes = [(await first.run('-x')).code, (await second.run('-x')).code];
    if (codes.every((code) => code === 0)) break;
    await first.run('-fr', '/');
    await first.run('-u');
  }
  assert.deepEqual(contents(first.tree), contents(second.tree));
  for (const host of [first, second]) {
    assert.deepEqual(await host.run('-M'), { code: 2, stdout: '', stderr: '' });
    const compared = await host.run('-T');
    assert.equal(compared.code, 2, compared.stdout + compared.stderr);
  }
}
