import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isInstalled } from '../scenarios/harness/programs.ts';
import { type FaultHost, Site } from './harness/site.ts';
import { type Verdict, WireTap } from './harness/wireTap.ts';

const second = (path: string): number => Math.floor(fs.statSync(path).mtimeMs / 1000);

/** Where runs take so long that nothing happens within a second, in so many attempts, files get times as if it had. */
const attempts = 8;

function write(path: string, content: string, time?: number): void {
  fs.writeFileSync(path, content);
  if (time !== undefined) fs.utimesSync(path, time, time);
}

/** Writes, sends and writes again `where`, of the same size, until all of that has happened within one second. */
async function writeTwice(client: FaultHost, where = client): Promise<void> {
  for (let attempt = 0; attempt <= attempts; attempt++) {
    await sleep(1010 - (Date.now() % 1000));
    const soon = attempt < attempts ? undefined : Math.floor(Date.now() / 1000) + 30;
    write(client.tree.path('file'), `first ${10 + attempt}`, soon && soon + 0.25);
    const first = second(client.tree.path('file'));
    const { code, output } = await client.run('-x');
    assert.equal(code, 0, output);
    write(where.tree.path('file'), `other ${10 + attempt}`, soon && soon + 0.75);
    if (second(where.tree.path('file')) === first) return;
    if (where !== client) await where.run('-cIr /');
    else assert.equal((await client.run('-x')).code, 0);
  }
  assert.fail('never within a second');
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

  test('what is no file any more, of the same second: the note of the file is not held against it', async () => {
    const site = new Site({ hosts: 2 });
    const [client, server] = [site.at(0), site.at(1)];
    const path = client.tree.path('file');
    const run = async (): Promise<void> => {
      const { code, output } = await client.run('-x');
      assert.equal(code, 0, output);
    };
    try {
      site.configure();
      await server.serve();
      client.tree.mkdir('');
      const becomes = {
        directory: () => {
          fs.mkdirSync(path);
          return true;
        },
        link: () => {
          fs.symlinkSync('elsewhere', path);
          return false;
        },
      };
      for (const [kind, make] of Object.entries(becomes)) {
        // A link has the time at which it is put in place.
        const time = Math.floor(Date.now() / 1000) + 2;
        fs.writeFileSync(path, 'file');
        fs.utimesSync(path, time + 0.25, time + 0.25);
        await run();
        fs.rmSync(path);
        if (make()) fs.utimesSync(path, time + 0.75, time + 0.75);
        else await sleep(time * 1000 + 10 - Date.now());
        await run();
        fs.rmSync(path, { recursive: true });
        fs.writeFileSync(path, `file after ${kind}`);
        await run();
        assert.equal(server.tree.read('file'), `file after ${kind}`);
        const back = await server.run('-x');
        assert.equal(back.code, 0, back.output);
        assert.deepEqual([...client.rows().dirty, ...server.rows().dirty], []);
      }
    } finally {
      await site.close();
    }
  });

  for (const program of ['ours', 'c'] as const) {
    test(`a check that marks it while the run before goes on: that run does not take the mark away (→ ${program})`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: ['ours', program] });
      const [client, server] = [site.at(0), site.at(1)];
      const tap = new WireTap({ host: server.name, port: 30_866 });
      try {
        site.configure();
        await tap.listen(server.name, 30_865);
        await server.serve(true);
        client.tree.mkdir('');
        const path = client.tree.path('file');
        let isWithin = false;
        for (let attempt = 0; !isWithin && attempt <= attempts; attempt++) {
          await sleep(1010 - (Date.now() % 1000));
          const soon = attempt < attempts ? undefined : Math.floor(Date.now() / 1000) + 20;
          write(path, `first ${10 + attempt}`, soon && soon + 0.25);
          const first = second(path);
          // All is sent and answered, and no row has been cleared: the answers behind that are held back.
          let isSent = false;
          tap.onLine = async ({ way, line }): Promise<Verdict> => {
            if (way === 'request') isSent ||= line.includes('file') && /^(XPUT|SETIME) /.test(line);
            if (way === 'request' || !isSent) return 'pass';
            tap.onLine = () => 'pass';
            write(path, `other ${10 + attempt}`, soon && soon + 0.75);
            isWithin = second(path) === first;
            // The second one finds that second over.
            for (let check = 0; isWithin && check < 2; check++) {
              if (check === 1) await sleep(Math.max(1000, (first + 1) * 1000 + 50 - Date.now()));
              assert.equal((await client.run('-cr /')).code, 0);
            }
            return 'pass';
          };
          assert.equal((await client.run('-x')).code, 0);
        }
        assert.ok(isWithin, 'never within a second');
        assert.match(server.tree.read('file') ?? '', /^first/);
        assert.equal((await client.run('-x')).code, 0);
        assert.match(server.tree.read('file') ?? '', /^other/);
        assert.deepEqual(client.rows().dirty, []);
      } finally {
        await tap.close();
        await site.close();
      }
    });
  }
});
