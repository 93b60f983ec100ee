import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isInstalled, type Program } from '../scenarios/harness/programs.ts';
import { type FaultHost, Site } from './harness/site.ts';

const source = fileURLToPath(new URL('harness/failingDisk.c', import.meta.url));
const compiler = ['cc', 'gcc', 'g++'].find((name) => spawnSync(name, ['--version']).status === 0);

/** Which calls fail on what is below `bad/`, and from which byte on. */
interface Break {
  readonly calls: 'read' | 'write' | 'flush' | 'list';
  readonly from?: number;
}

interface Pair {
  readonly client: FaultHost;
  readonly server: FaultHost;
  /** In front of a command: its disk is broken. */
  broken(how: Break): string[];
}

const large = 3_000_000;
const contents = (version: number): Readonly<Record<string, Buffer>> => ({
  a: Buffer.from(`a ${version}`),
  'bad/large': Buffer.alloc(large, `large ${version} `),
  'bad/small': Buffer.from(`small ${version}`),
  z: Buffer.from(`z ${version}`),
});

function write({ tree }: FaultHost, version: number): void {
  if (version === 1) tree.mkdir('bad');
  for (const [name, content] of Object.entries(contents(version))) {
    tree.write(name, content, { mtime: 1_700_000_000 + version });
  }
}

async function withPair(programs: readonly Program[], work: (pair: Pair) => Promise<void>): Promise<void> {
  const site = new Site({ hosts: 2, programs });
  try {
    const library = join(site.root, 'failingDisk.so');
    const made = spawnSync(compiler as string, ['-shared', '-fPIC', '-x', 'c', '-o', library, source, '-ldl'], {
      encoding: 'utf8',
    });
    assert.equal(made.status, 0, made.stderr);
    site.configure();
    await work({
      client: site.at(0),
      server: site.at(1),
      broken: ({ calls, from = 0 }) => [
        'env',
        `LD_PRELOAD=${library}`,
        'BROKEN_PATH=/bad',
        `BROKEN_CALLS=${calls}`,
        `BROKEN_FROM=${from}`,
      ],
    });
  } finally {
    await site.close();
  }
}

const dirtyNames = (host: FaultHost): string[] =>
  [...new Set(host.rows().dirty.map((row) => decodeURIComponent(row.split(' ')[0] ?? '').replace('%t%/', '')))].sort();

/** Whole files of these versions, and nothing else. */
function has(host: FaultHost, versions: Readonly<Record<string, number | undefined>>): void {
  for (const [name, version] of Object.entries(versions)) {
    const there = host.tree.names().includes(name) ? host.tree.read(name) : undefined;
    const expected = version === undefined ? undefined : contents(version)[name]?.toString('latin1');
    assert.ok(there === expected, `${name} is not whole, or of another version than ${version}`);
  }
  assert.deepEqual(host.leftovers(), []);
}

async function completes({ client, server }: Pair): Promise<void> {
  const { code, output } = await client.run('-x');
  assert.equal(code, 0, output);
  assert.deepEqual(server.tree.snapshot(), client.tree.snapshot());
  assert.deepEqual([...client.rows().dirty, ...server.rows().dirty], []);
}

const skip = compiler === undefined && 'skipped: no C compiler';

describe('a disk that cannot read or write some files', { skip, concurrency: 2 }, () => {
  for (const program of ['ours', 'c'] as const) {
    for (const from of [0, 1_000_000]) {
      test(`the sender cannot read them${from > 0 ? ' to their ends' : ''} (→ ${program}): named, still dirty; the others go on`, async (t) => {
        if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
        await withPair(['ours', program], async (pair) => {
          const { client, server } = pair;
          await server.serve();
          const small = from === 0 ? undefined : 1;
          for (const version of [1, 2]) {
            write(client, version);
            const { code, output } = await client.run('-x', 60_000, pair.broken({ calls: 'read', from }));
            assert.equal(code, 1, output);
            assert.match(output, /bad\/large: Input\/output error/);
            if (small === undefined) assert.match(output, /bad\/small: Input\/output error/);
            const smallThere = small === undefined ? version - 1 || undefined : version;
            if (program === 'ours')
              has(server, { a: version, z: version, 'bad/large': version - 1 || undefined, 'bad/small': smallThere });
            assert.deepEqual(dirtyNames(client), small === undefined ? ['bad/large', 'bad/small'] : ['bad/large']);
            await completes(pair);
          }
        });
      });
    }
  }

  for (const program of ['ours', 'c'] as const) {
    test(`the sender cannot read several large ones to their ends (→ ${program}): what else was under way goes over other connections`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      await withPair(['ours', program], async (pair) => {
        const { client, server } = pair;
        await server.serve();
        for (const name of ['bad', 'good']) client.tree.mkdir(name);
        const broken = ['bad/0', 'bad/1', 'bad/2'];
        for (const name of broken) client.tree.write(name, Buffer.alloc(20_000_000, name));
        for (let at = 0; at < 100; at++) client.tree.write(`good/${at}`, `file ${at}`);
        client.tree.write('good/large', Buffer.alloc(large, 'good'));
        const { code, output } = await client.run('-x', 60_000, pair.broken({ calls: 'read', from: 1_000_000 }));
        assert.equal(code, 1, output);
        assert.deepEqual(output.match(/Input\/output error/g)?.length, broken.length, output);
        assert.deepEqual(dirtyNames(client), broken);
        assert.equal(server.tree.names().filter((name) => name.startsWith('good/')).length, 101);
        await completes(pair);
      });
    });
  }

  for (const from of [0, 1_000_000]) {
    test(`the receiver cannot write them${from > 0 ? ' to their ends' : ''}: named, still dirty; the old ones stay, the others go on`, async () => {
      await withPair([], async (pair) => {
        const { client, server } = pair;
        for (const version of [1, 2]) {
          write(client, version);
          await server.serve(false, pair.broken({ calls: 'write', from }));
          const { code, output } = await client.run('-x');
          assert.equal(code, 1, output);
          assert.match(output, /ERROR from peer .*: Input\/output error/);
          const before = version - 1 || undefined;
          has(server, { a: version, z: version, 'bad/large': before, 'bad/small': from === 0 ? before : version });
          assert.deepEqual(dirtyNames(client), from === 0 ? ['bad/large', 'bad/small'] : ['bad/large']);
          await server.kill();
          await server.serve();
          await completes(pair);
          await server.kill();
        }
      });
    });
  }

  for (const program of ['ours', 'c'] as const) {
    for (const from of [0, 1_000_000]) {
      test(`the receiver cannot read what it has${from > 0 ? ' to its end' : ''} (${program} →): it gets all of it anew`, async (t) => {
        if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
        await withPair([program, 'ours'], async (pair) => {
          const { client, server } = pair;
          write(client, 1);
          await server.serve();
          await completes(pair);
          await server.kill();
          await server.serve(false, pair.broken({ calls: 'read', from }));
          write(client, 2);
          await completes(pair);
          assert.match(server.log, /bad\/large: Input\/output error/);
        });
      });
    }
  }

  test('a directory that cannot be listed: an error that names it; what is in it is not taken for deleted', async () => {
    await withPair([], async (pair) => {
      const { client, server } = pair;
      write(client, 1);
      await server.serve();
      await completes(pair);
      const { code, output } = await client.run('-x', 60_000, pair.broken({ calls: 'list' }));
      assert.equal(code, 1, output);
      assert.match(output, /\/bad: Input\/output error/);
      assert.deepEqual(client.rows().dirty, []);
      has(server, { a: 1, z: 1, 'bad/large': 1, 'bad/small': 1 });
      await completes(pair);
    });
  });
});
