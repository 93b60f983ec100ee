import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isInstalled } from '../scenarios/harness/programs.ts';
import { type FaultHost, Site } from './harness/site.ts';

const second = (path: string): number => Math.floor(fs.statSync(path).mtimeMs / 1000);

/** Writes, sends and writes again `where`, of the same size, until all of that has happened within one second. */
async function writeTwice(client: FaultHost, where = client): Promise<void> {
  for (let patience = 30; patience > 0; patience--) {
    await sleep(1010 - (Date.now() % 1000));
    fs.writeFileSync(client.tree.path('file'), `first ${10 + patience}`);
    const first = second(client.tree.path('file'));
    const { code, output } = await client.run('-x');
    assert.equal(code, 0, output);
    fs.writeFileSync(where.tree.path('file'), `other ${10 + patience}`);
    if (second(where.tree.path('file')) === first) return;
    if (where !== client) await where.run('-cIr /');
    else assert.equal((await client.run('-x')).code, 0);
  }
  assert.fail('a run takes too long here: never within a second');
}

describe('a file that is changed again within the second of the last run', () => {
  for (const program of ['ours', 'c'] as const) {
    test(`the second change gets there, too (→ ${program})`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: ['ours', program] });
      const [client, server] = [site.at(0), site.at(1)];
      try {
        site.configure();
        await server.serve();
        fs.mkdirSync(client.tree.path(''), { recursive: true });
        await writeTwice(client);
        assert.match(server.tree.read('file') ?? '', /^first/);
        const { code, output } = await client.run('-x');
        assert.equal(code, 0, output);
        assert.match(server.tree.read('file') ?? '', /^other/);
        assert.deepEqual(client.rows().dirty, []);

        if (program === 'c') return;
        // Nothing of this is a change that the server has made.
        const back = await server.run('-x -v');
        assert.equal(back.code, 0);
        assert.doesNotMatch(back.output, /dirty/);
        assert.deepEqual(server.rows().dirty, []);
      } finally {
        await site.close();
      }
    });
  }

  for (const program of ['ours', 'c'] as const) {
    test(`one that has just been received (${program} →): the change gets back`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: [program, 'ours'] });
      const [client, server] = [site.at(0), site.at(1)];
      try {
        site.configure();
        for (const host of [client, server]) await host.serve();
        client.tree.mkdir('');
        await writeTwice(client, server);
        assert.match(client.tree.read('file') ?? '', /^first/);
        const { code, output } = await server.run('-x');
        assert.equal(code, 0, output);
        assert.match(client.tree.read('file') ?? '', /^other/);
        assert.deepEqual([...client.rows().dirty, ...server.rows().dirty], []);
      } finally {
        await site.close();
      }
    });
  }
});
