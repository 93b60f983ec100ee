import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { isInstalled, isRoot } from '../scenarios/harness/programs.ts';
import { type FaultHost, Site } from './harness/site.ts';

type Make = (path: string) => void;

const makers: Record<string, Make> = {
  'a directory': (path) => fs.mkdirSync(path, { mode: 0o755 }),
  'a file': (path) => fs.writeFileSync(path, 'content'),
  'a link': (path) => fs.symlinkSync('target', path),
  'a FIFO': (path) => void execFileSync('mkfifo', [path]),
};

interface Case {
  readonly what: string;
  readonly first: Make;
  readonly change: Make;
  /** Of the server, killed when it makes this call for the so-many-th time. */
  readonly call: 'rename' | 'chmod';
  readonly times: number;
}

function replacing(from: string, to: string): Case {
  const change: Make = (path) => {
    fs.rmSync(path, { recursive: true });
    makers[to]?.(path);
  };
  return { what: `${from} and ${to}`, first: makers[from] as Make, change, call: 'rename', times: 2 };
}

const cases: readonly Case[] = [
  replacing('a directory', 'a file'),
  replacing('a directory', 'a link'),
  replacing('a directory', 'a FIFO'),
  replacing('a file', 'a directory'),
  {
    what: 'the owner and the mode of a directory',
    first: makers['a directory'] as Make,
    change: (path) => {
      fs.chownSync(path, 7, 8);
      fs.chmodSync(path, 0o700);
    },
    call: 'chmod',
    times: 1,
  },
];

const calls = { rename: 'rename,renameat,renameat2', chmod: 'chmod,fchmod,fchmodat' };

async function serveAndDie(server: FaultHost, { call, times }: Case): Promise<void> {
  const inject = `inject=${calls[call]}:signal=SIGKILL:when=${times}`;
  await server.serve(false, ['strace', '-D', '-f', '-o', '/dev/null', '-e', `trace=${calls[call]}`, '-e', inject]);
}

describe('a server that is killed between', { skip: !isRoot && 'skipped: needs root' }, () => {
  for (const program of ['ours', 'c'] as const) {
    for (const one of cases) {
      test(`${one.what}: the next run completes, that was nobody's change (${program} →)`, async (t) => {
        if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
        if (!fs.existsSync('/usr/bin/strace')) return t.skip('skipped: no strace');
        const site = new Site({ hosts: 2, programs: [program, 'ours'] });
        const [client, server] = [site.at(0), site.at(1)];
        try {
          site.configure();
          await server.serve();
          client.tree.mkdir('');
          one.first(client.tree.path('object'));
          assert.equal((await client.run('-x')).code, 0);
          await server.kill();
          await serveAndDie(server, one);
          one.change(client.tree.path('object'));
          await client.run('-x');
          // The C program makes them one by one, so that there may be nothing to come in between.
          if (program === 'ours') assert.equal(server.isServing, false);
          await server.kill();
          await server.serve();
          const { code, output } = await client.run('-x');
          assert.equal(code, 0, output);
          assert.deepEqual(server.tree.snapshot(), client.tree.snapshot());
          assert.deepEqual([...client.rows().dirty, ...server.rows().dirty, ...server.leftovers()], []);
        } finally {
          await site.close();
        }
      });
    }
  }
});
