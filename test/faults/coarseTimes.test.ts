import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { DiskPath } from '../../src/bytes/bytes.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { encodedChecktxt } from '../../src/entry/checktxt.ts';
import { inspect } from '../../src/filesystem/inspect.ts';
import { isInstalled, isRoot } from '../scenarios/harness/programs.ts';
import { type FaultHost, Site } from './harness/site.ts';

/** Later than the file system of `withOldDisk` can say. */
const farFuture = 4_102_444_800;
const latest = 2 ** 31 - 1;

/** The tree of a host is on a file system that knows times of 32 bits. False: that cannot be made here. */
async function withOldDisk(host: FaultHost, work: () => Promise<void>): Promise<boolean> {
  const image = join(host.root, 'image');
  try {
    fs.writeFileSync(image, '');
    fs.truncateSync(image, 8 << 20);
    execFileSync('mkfs.ext4', ['-q', '-I', '128', image], { stdio: 'ignore' });
    execFileSync('mount', ['-o', 'loop', image, host.tree.root], { stdio: 'ignore' });
  } catch {
    return false;
  }
  try {
    fs.rmdirSync(host.tree.path('lost+found'));
    await work();
  } finally {
    await host.kill();
    execFileSync('umount', ['-l', host.tree.root]);
  }
  return true;
}

describe('a file system that cannot hold the times of files that are sent', { skip: !isRoot && 'needs root' }, () => {
  for (const program of ['ours', 'c'] as const) {
    test(`they are no change that was made there (${program} →)`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: [program, 'ours'] });
      const [client, server] = [site.at(0), site.at(1)];
      site.configure();
      try {
        const isMade = await withOldDisk(server, async () => {
          for (const host of [client, server]) host.tree.write('known', 'the same on both');
          await server.run('-cIr /');
          await server.serve();
          for (const name of ['known', 'small', 'large']) {
            const content =
              name === 'known' ? 'the same on both' : Buffer.alloc(name === 'large' ? 2_000_000 : 10, 'x');
            client.tree.write(name, content, { mtime: farFuture });
          }
          client.tree.device('null', 'c', 1, 3, { mtime: farFuture });
          const sent = await client.run('-x');
          assert.equal(sent.code, 0, sent.output);
          assert.equal(fs.statSync(server.tree.path('small')).mtimeMs, latest * 1000);
          assert.equal((await server.run('-cr /')).code, 0);
          assert.deepEqual(server.rows().dirty, []);
          for (const name of ['known', 'small', 'large']) client.tree.write(name, 'new', { mtime: farFuture });
          const again = await client.run('-x');
          assert.equal(again.code, 0, again.output);
          for (const name of ['known', 'small', 'large']) assert.equal(server.tree.read(name), 'new');
        });
        if (!isMade) t.skip('skipped: no such file system can be mounted here');
      } finally {
        await site.close();
      }
    });
  }

  test('what a server that was killed had put there is no change that was made there', async (t) => {
    const site = new Site({ hosts: 2 });
    const server = site.at(1);
    site.configure();
    try {
      const isMade = await withOldDisk(server, async () => {
        server.tree.write('file', 'old', { mtime: 1_600_000_000 });
        assert.equal((await server.run('-cIr /')).code, 0);
        server.tree.write('file', 'theirs', { mtime: 1_700_000_000.25 });
        const found = inspect(server.tree.path('file') as DiskPath);
        assert.ok(found.state === 'present');
        assert.equal(found.entry.mtimeNanoseconds, 0);
        const row = encodedChecktxt(found.entry, { uid: false, gid: false, mod: false });
        const database = new Database(server.database);
        const begin = database.prepare('INSERT INTO unfinished (owner, kind, subject, checktxt) VALUES (?, ?, ?, ?)');
        begin.run('gone', 'file', encode('%t%/file'), `${row}|250000`);
        database.close();
        const checked = await server.run('-cr / -v');
        assert.equal(checked.code, 0, checked.output);
        assert.match(checked.output, /file/);
        assert.deepEqual(server.rows().dirty, []);
      });
      if (!isMade) t.skip('skipped: no such file system can be mounted here');
    } finally {
      await site.close();
    }
  });
});
