import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { until } from '../scenarios/harness/process.ts';
import { isRoot } from '../scenarios/harness/programs.ts';
import { inSync, withPair } from './harness/pair.ts';
import { RawPeer } from './harness/rawPeer.ts';
import { type FaultHost, key, Site } from './harness/site.ts';

/** A small filesystem at a place that is there, for as long as `work` takes. */
async function withSmallDisk(place: string, size: string, work: () => Promise<void>): Promise<void> {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'small', place]);
  try {
    await work();
  } finally {
    execFileSync('umount', ['-l', place]);
  }
}

/** The server keeps backups in the directory `backup`. */
async function withBackups(
  work: (client: FaultHost, server: FaultHost, backup: string) => Promise<void>,
): Promise<void> {
  const site = new Site({ hosts: 2 });
  const [client, server] = [site.at(0), site.at(1)];
  const backup = join(server.root, 'backup');
  fs.mkdirSync(backup);
  site.configure(`backup-directory ${backup};`);
  try {
    await work(client, server, backup);
  } finally {
    await site.close();
  }
}

/** Takes all the room that is left. */
function fill(directory: string): string {
  const path = join(directory, '.filler');
  const fd = fs.openSync(path, 'w');
  try {
    for (let size = 1 << 16; size >= 1024; size >>= 1) {
      try {
        for (;;) fs.writeSync(fd, Buffer.alloc(size));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      }
    }
  } finally {
    fs.closeSync(fd);
  }
  return path;
}

describe('full disks', { skip: !isRoot && 'skipped: needs root' }, () => {
  test('the tree of the receiver: old files stay whole, other files go on, the rest comes when there is room', async () => {
    await withPair(async (client, server) => {
      await withSmallDisk(server.tree.root, '1m', async () => {
        const content = (letter: string): Buffer => Buffer.alloc(150_000, letter);
        client.tree.write('big', content('a'));
        client.tree.write('small', 'one');
        await server.serve();
        assert.equal((await client.run('-x')).code, 0);
        const filler = fill(server.tree.root);
        client.tree.write('big', content('b'), { mtime: 1_700_000_100 });
        client.tree.write('new', content('c'));
        client.tree.symlink('link', 'nowhere');
        const full = await client.run('-x');
        assert.equal(full.code, 1);
        assert.match(full.output, /No space left on device/);
        assert.equal(server.tree.read('big'), content('a').toString());
        assert.deepEqual(server.leftovers(), []);
        const dirty = client.rows().dirty.map((row) => row.split(' ')[0]);
        assert.ok(dirty.includes('%25t%25/big') && dirty.includes('%25t%25/new'), dirty.join());
        fs.unlinkSync(filler);
        const again = await client.run('-x');
        assert.equal(again.code, 0, again.output);
        inSync(client, server);
      });
    });
  });

  test('while a large file is patched: the old one stays, small ones arrive, the rest when there is room', async () => {
    await withPair(async (client, server) => {
      await withSmallDisk(server.tree.root, '4m', async () => {
        const content = (letter: string): Buffer => Buffer.alloc(2_500_000, letter);
        client.tree.write('big', content('a'));
        await server.serve();
        assert.equal((await client.run('-x')).code, 0);
        client.tree.write('big', content('b'), { mtime: 1_700_000_100 });
        client.tree.write('small', 'one');
        const full = await client.run('-x');
        assert.equal(full.code, 1);
        assert.match(full.output, /No space left on device/);
        assert.ok(server.tree.read('big') === content('a').toString());
        assert.equal(server.tree.read('small'), 'one');
        assert.deepEqual(server.leftovers(), []);
        execFileSync('mount', ['-o', 'remount,size=12m', server.tree.root]);
        assert.equal((await client.run('-x')).code, 0);
        inSync(client, server);
      });
    });
  });

  test('a delta that has no room is refused before any of it is taken, and the session goes on', async () => {
    await withPair(async (client, server) => {
      await withSmallDisk(server.tree.root, '1m', async () => {
        await server.serve();
        const peer = await RawPeer.connect(server.name, server.port, client.name);
        await peer.ask('CONFIG ');
        await peer.ask(`HELLO ${client.name}`);
        assert.equal(await peer.ask(`PATCH ${key} %25t%25/file`), 'OK (send_data).');
        await peer.blob();
        const literal = Buffer.concat([Buffer.from([0x42, 0x10, 0]), Buffer.alloc(0x1000)]);
        const half = Buffer.concat(Array.from({ length: 600 }, () => literal));
        peer.send(`octet-stream ${4 + 2 * half.length}\nrs\x026`);
        peer.send(half);
        assert.ok(await until(() => server.leftovers().length > 0, 20_000));
        await sleep(500);
        const [staged = ''] = server.leftovers();
        assert.equal(fs.statSync(server.tree.path(staged)).size, 0);
        peer.send(half);
        assert.equal(await peer.line(), 'No space left on device');
        assert.equal(await peer.ask('BYE'), 'OK (cu_later).');
        assert.deepEqual(server.tree.names(), []);
        peer.close();
      });
    });
  });

  test('a file that cannot be read: it is named, it stays dirty, the others go on', async (t) => {
    const unreadable = '/sys/class/net/lo/speed';
    if (!fs.existsSync(unreadable)) return t.skip(`skipped: there is no ${unreadable}`);
    await withPair(async (client, server) => {
      for (const name of ['a', 'bad', 'z']) client.tree.write(name, name);
      await server.serve();
      execFileSync('mount', ['--bind', unreadable, client.tree.path('bad')]);
      try {
        const { code, output } = await client.run('-x');
        assert.equal(code, 1);
        assert.match(output, /tree\/bad/);
      } finally {
        execFileSync('umount', [client.tree.path('bad')]);
      }
      assert.deepEqual(server.tree.names(), ['a', 'z']);
      assert.deepEqual(client.rows().dirty.length, 1);
      assert.equal((await client.run('-x')).code, 0);
      inSync(client, server);
    });
  });

  test('the backups of the receiver: the change is refused', async () => {
    await withBackups(async (client, server, backup) => {
      await withSmallDisk(backup, '64k', async () => {
        client.tree.write('file', Buffer.alloc(100_000, 'a'));
        await server.serve();
        assert.equal((await client.run('-x')).code, 0);
        client.tree.write('file', 'new', { mtime: 1_700_000_100 });
        const full = await client.run('-x');
        assert.equal(full.code, 1);
        assert.match(full.output, /No space left on device/);
        assert.equal(server.tree.read('file')?.length, 100_000);
        assert.equal(client.rows().dirty.length, 1);
      });
      assert.equal((await client.run('-x')).code, 0);
      inSync(client, server);
    });
  });

  for (const side of ['client', 'server'] as const) {
    test(`the database of the ${side}: a clear error, and all is well when there is room again`, async () => {
      await withPair(async (client, server) => {
        const host = side === 'client' ? client : server;
        await withSmallDisk(host.databaseDirectory, '12m', async () => {
          client.tree.write('first', 'one');
          await server.serve();
          assert.equal((await client.run('-x')).code, 0);
          const filler = fill(host.databaseDirectory);
          for (let at = 0; at < 1500; at++) client.tree.write(`file-with-a-name-that-takes-some-room-${at}`, `${at}`);
          const full = await client.run('-x');
          assert.equal(full.code, 1, full.output);
          assert.doesNotMatch(full.output + server.log, /\n\s+at .*\.(cjs|ts):\d/);
          assert.match(full.output + server.log, /full|No space left/i);
          fs.unlinkSync(filler);
          const again = await client.run('-x');
          assert.equal(again.code, 0, again.output.slice(-2000));
          inSync(client, server);
        });
      });
    });
  }

  test('a database that has no room to grow is not taken for a damaged one', async () => {
    await withPair(async (client) => {
      await withSmallDisk(client.databaseDirectory, '300k', async () => {
        for (let at = 0; at < 2500; at++) client.tree.write(`file-with-a-name-that-takes-some-room-${at}`, '');
        const { code, output } = await client.run('-cr /');
        assert.equal(code, 1, output);
        assert.match(output, /database or disk is full\nNothing is lost: make room where the database is\.\n/);
        assert.doesNotMatch(output, /damaged/);
      });
    });
  });

  for (const side of ['client', 'server'] as const) {
    test(`a database that is read-only on the ${side}: nothing is lost, and all is well when it is not`, async () => {
      await withPair(async (client, server) => {
        const host = side === 'client' ? client : server;
        await withSmallDisk(host.databaseDirectory, '12m', async () => {
          client.tree.write('file', 'one');
          await server.serve();
          assert.equal((await client.run('-x')).code, 0);
          await server.kill();
          execFileSync('mount', ['-o', 'remount,ro', host.databaseDirectory]);
          await server.serve();
          client.tree.write('file', 'two', { mtime: 1_700_000_100 });
          client.tree.write('other', 'x');
          const refused = await client.run('-x');
          assert.equal(refused.code, 1);
          assert.match(refused.output + server.log, /read-only/i);
          assert.doesNotMatch(refused.output + server.log, /\n\s+at .*\.(cjs|ts):\d/);
          assert.equal(server.tree.read('file'), 'one');
          execFileSync('mount', ['-o', 'remount,rw', host.databaseDirectory]);
          const again = await client.run('-x');
          assert.equal(again.code, 0, again.output);
          inSync(client, server);
        });
      });
    });
  }

  test('backups that are read-only: the change is refused, new files arrive', async () => {
    await withBackups(async (client, server, backup) => {
      await withSmallDisk(backup, '1m', async () => {
        client.tree.write('file', 'one');
        await server.serve();
        assert.equal((await client.run('-x')).code, 0);
        execFileSync('mount', ['-o', 'remount,ro', backup]);
        client.tree.write('file', 'two', { mtime: 1_700_000_100 });
        client.tree.write('new', 'x');
        const refused = await client.run('-x');
        assert.equal(refused.code, 1);
        assert.match(refused.output, /Read-only file system/);
        assert.equal(server.tree.read('file'), 'one');
        assert.equal(server.tree.read('new'), 'x');
        assert.equal(client.rows().dirty.length, 1);
        execFileSync('mount', ['-o', 'remount,rw', backup]);
        assert.equal((await client.run('-x')).code, 0);
        inSync(client, server);
      });
    });
  });

  for (const size of [10, 1_000_000]) {
    test(`a file of ${size} bytes that the receiver can neither read nor replace: the others go on`, async (t) => {
      const unreadable = '/sys/class/net/lo/speed';
      if (!fs.existsSync(unreadable)) return t.skip(`skipped: there is no ${unreadable}`);
      await withPair(async (client, server) => {
        for (const name of ['a', 'bad', 'z']) client.tree.write(name, name);
        await server.serve();
        assert.equal((await client.run('-x')).code, 0);
        execFileSync('mount', ['--bind', unreadable, server.tree.path('bad')]);
        try {
          for (const name of ['a', 'bad', 'z'])
            client.tree.write(name, Buffer.alloc(size, name), { mtime: 1_700_000_100 });
          const { code, output } = await client.run('-x');
          assert.equal(code, 1);
          assert.match(output, /ERROR from peer/);
        } finally {
          execFileSync('umount', ['-l', server.tree.path('bad')]);
        }
        assert.equal(server.tree.read('z')?.length, size);
        assert.equal(server.tree.read('bad'), 'bad');
        assert.deepEqual(server.leftovers(), []);
        assert.deepEqual(
          client.rows().dirty.map((row) => row.split(' ')[0]),
          ['%25t%25/bad'],
        );
      });
    });
  }

  test('a tree that is read-only', async () => {
    await withPair(async (client, server) => {
      await withSmallDisk(server.tree.root, '1m', async () => {
        client.tree.write('file', 'one');
        await server.serve();
        assert.equal((await client.run('-x')).code, 0);
        execFileSync('mount', ['-o', 'remount,ro', server.tree.root]);
        client.tree.write('file', 'two', { mtime: 1_700_000_100 });
        client.tree.write('other', 'x');
        const refused = await client.run('-x');
        assert.equal(refused.code, 1);
        assert.match(refused.output, /Read-only file system/);
        execFileSync('mount', ['-o', 'remount,rw', server.tree.root]);
        assert.equal((await client.run('-x')).code, 0);
        inSync(client, server);
      });
    });
  });
});
