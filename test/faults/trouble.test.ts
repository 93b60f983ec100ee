import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { readRows } from '../scenarios/harness/database.ts';
import { until } from '../scenarios/harness/process.ts';
import { isInstalled, isRoot } from '../scenarios/harness/programs.ts';
import { inSync, withPair } from './harness/pair.ts';
import { RawPeer } from './harness/rawPeer.ts';
import { Site } from './harness/site.ts';

describe('a backup directory that leads nowhere', () => {
  for (const program of ['ours', 'c'] as const) {
    test(`what would be changed or deleted (${program} →) stays, and the reply says that it is for the backup`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: [program, 'ours'] });
      const [client, server] = [site.at(0), site.at(1)];
      const backup = join(server.root, 'backup');
      site.configure(`backup-directory ${backup};`);
      try {
        for (const name of ['changed', 'gone']) client.tree.write(name, name);
        await server.serve();
        assert.equal((await client.run('-x')).code, 0);
        fs.symlinkSync(join(server.root, 'a disk that is not mounted/backups'), backup);
        client.tree.write('changed', 'anew', { mtime: 1_700_000_100 });
        client.tree.remove('gone');
        const refused = await client.run('-x');
        assert.equal(refused.code, 1, refused.output);
        // C programs do not say what a peer answered.
        const reply = /ERROR from peer [0-9.]+: Backup failed: No such file or directory/g;
        if (program === 'ours') assert.equal(refused.output.match(reply)?.length, 2, refused.output);
        assert.deepEqual([server.tree.read('changed'), server.tree.read('gone')], ['changed', 'gone']);
        assert.equal(client.rows().dirty.length, 2);
        fs.rmSync(backup);
        const again = await client.run('-x');
        assert.equal(again.code, 0, again.output);
        inSync(client, server);
      } finally {
        await site.close();
      }
    });
  }
});

describe('a directory that the peer lacks and does not get', () => {
  for (const program of ['ours', 'c'] as const) {
    test(`which file, which peer, which directory; once for all that is in it (→ ${program})`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: ['ours', program] });
      const [client, server] = [site.at(0), site.at(1)];
      try {
        for (const name of ['a', 'dir/b', 'dir/in/c']) {
          client.tree.mkdir('dir/in');
          client.tree.write(name, 'content');
        }
        const prefix = (place: string): string =>
          `nossl * *;\nprefix t { on ${client.name}: ${client.tree.root}; on ${server.name}: ${place}; }\n`;
        const group = (patterns: string): string =>
          `group g { host ${client.name} ${server.name}; key k; include ${patterns}; }\n`;
        for (const host of [client, server]) host.configure(prefix(join(server.root, 'no/such')) + group('%t%'));
        await server.serve();
        const said = (file: string, directory: string): string =>
          `While syncing file ${file}:\nERROR from peer ${server.name}: Parent dir missing.\n` +
          `missing parent dir : ${directory}\nFinished with 1 errors.\n`;
        const rootless = await client.run('-x');
        assert.deepEqual([rootless.code, rootless.output], [1, said('%t%', '%t%/..')]);
        assert.equal(client.rows().dirty.length, 6);

        for (const host of [client, server]) {
          host.configure(prefix(server.tree.root) + group('%t%/a %t%/dir/in'));
        }
        const excluded = await client.run('-x');
        assert.deepEqual([excluded.code, excluded.output], [1, said('%t%/dir/in', '%t%/dir')]);
        assert.deepEqual(server.tree.names(), ['a']);
      } finally {
        await site.close();
      }
    });
  }
});

test('a server whose configuration or database is broken tells its peers so, and only its log which and how', async () => {
  const site = new Site({ hosts: 3 });
  const [client, broken, other] = [site.at(0), site.at(1), site.at(2)];
  try {
    site.configure();
    for (const server of [broken, other]) await server.serve();
    const breaking: readonly (readonly [() => void, RegExp])[] = [
      [() => broken.configure('group {{{'), /csync2\.cfg:1:11: expected/],
      [() => fs.rmSync(broken.databaseDirectory, { recursive: true }), /Can't open database .*does not exist/],
    ];
    for (const [at, [breakIt, why]] of breaking.entries()) {
      client.tree.write(`file${at}`, 'content');
      breakIt();
      const { code, output } = await client.run('-x');
      assert.equal(code, 1);
      const told = `${broken.name}: Config command failed. (There is trouble with the configuration or the database of this`;
      assert.ok(output.startsWith(told), output);
      assert.doesNotMatch(output, why);
      assert.match(broken.log, why);
      assert.equal(other.tree.read(`file${at}`), 'content');
      site.configure();
    }
    fs.mkdirSync(broken.databaseDirectory);
    assert.equal((await client.run('-x')).code, 0);
    inSync(client, broken);
  } finally {
    await site.close();
  }
});

describe('a session that lasts holds nobody to the database that it has', () => {
  const others = ['another file in its place', 'another place in the configuration'] as const;
  for (const what of others) {
    test(`${what}: sessions that begin later use that`, async () => {
      const site = new Site({ hosts: 2 });
      const [client, server] = [site.at(0), site.at(1)];
      const elsewhere = join(server.root, 'elsewhere');
      fs.mkdirSync(elsewhere);
      try {
        site.configure('', `database ${server.databaseDirectory};\n`);
        await server.serve(false, [], false);
        const peer = await RawPeer.connect(server.name, server.port, client.name);
        await peer.ask('CONFIG ');
        assert.equal(await peer.ask(`HELLO ${client.name}`), 'OK (cmd_finished).');
        let database = server.database;
        if (what === others[0]) {
          for (const name of fs.readdirSync(server.databaseDirectory)) {
            fs.renameSync(join(server.databaseDirectory, name), join(elsewhere, name));
          }
        } else {
          site.configure('', `database ${elsewhere};\n`);
          database = join(elsewhere, basename(database));
        }
        const recorded = (): number => readRows(database).file.length;
        client.tree.write('first', 'content');
        assert.equal((await client.run('-x')).code, 0);
        assert.equal(recorded(), 2);
        // The end of the one leaves the other alone.
        peer.close();
        assert.ok(await until(() => server.log.split('Connection closed').length === 3, 20_000), server.log);
        assert.equal(recorded(), 2);
        client.tree.write('second', 'content');
        assert.equal((await client.run('-x')).code, 0);
        assert.equal(recorded(), 3);
      } finally {
        await site.close();
      }
    });
  }
});

describe('three hosts', () => {
  test('the version that loses a conflict has reached a third host: it gets the one that won', async () => {
    const site = new Site({ hosts: 3 });
    const [winner, loser, third] = [site.at(0), site.at(1), site.at(2)];
    try {
      site.configure('auto first;');
      for (const host of site.hosts) await host.serve();
      winner.tree.write('file', 'of the winner');
      assert.equal((await winner.run(`-xP ${third.name}`)).code, 0);
      loser.tree.write('file', 'of the loser', { mtime: 1_700_000_100 });
      assert.equal((await loser.run(`-xP ${third.name}`)).code, 0);
      assert.equal(third.tree.read('file'), 'of the loser');
      const { code, output } = await winner.run('-u');
      assert.equal(code, 0, output);
      for (const host of site.hosts) {
        assert.equal(host.tree.read('file'), 'of the winner');
        assert.deepEqual(host.rows().dirty, []);
      }
    } finally {
      await site.close();
    }
  });
});

describe('what a good end means', () => {
  test('the files are on the disk before the server says goodbye', async (t) => {
    if (!isRoot) return t.skip('skipped: needs root');
    const strace = ['/usr/bin/strace', '/bin/strace'].find((path) => fs.existsSync(path));
    if (strace === undefined) return t.skip('skipped: strace is not installed');
    await withPair(async (client, server) => {
      const child = await server.serve();
      const trace = join(server.root, 'trace');
      const tracer = spawn(
        strace,
        ['-f', '-e', 'trace=syncfs,fdatasync,rename', '-o', trace, '-p', String(child.pid)],
        {
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );
      await new Promise((resolve) => tracer.stderr.once('data', resolve));
      client.tree.write('file', 'one');
      assert.equal((await client.run('-x')).code, 0);
      assert.ok(await until(() => server.log.includes('Finished with'), 20_000), server.log);
      await sleep(200);
      const gone = new Promise((resolve) => tracer.once('exit', resolve));
      tracer.kill('SIGINT');
      await gone;
      const calls = fs
        .readFileSync(trace, 'latin1')
        .split('\n')
        .flatMap((line) => /(syncfs|fdatasync|rename)\(/.exec(line)?.[1] ?? []);
      assert.ok(calls.lastIndexOf('rename') < calls.indexOf('syncfs'), calls.join());
      assert.ok(calls.indexOf('syncfs') < calls.lastIndexOf('fdatasync'), calls.join());
    });
  });
});

test('a directory that is gone on the peer comes back in one run, with more files than are answered at once', async () => {
  await withPair(async (client, server) => {
    const names = Array.from({ length: 700 }, (_, at) => `d/${at}`);
    client.tree.mkdir('d');
    for (const name of names) client.tree.write(name, 'old');
    await server.serve();
    assert.equal((await client.run('-xr /')).code, 0);
    for (const name of names) client.tree.write(name, 'new content');
    server.tree.remove('d');
    const result = await client.run('-xr /');
    assert.equal(result.code, 0, result.output.slice(0, 2000));
    inSync(client, server);
  }, 'auto first;');
});

test('-TT: a FIFO, a device or a socket here has no content that could be waited for', async () => {
  await withPair(async (client, server) => {
    await server.serve();
    server.tree.write('file', 'theirs\n');
    client.tree.mkdir('');
    client.tree.fifo('file');
    for (const host of [client, server]) await host.run('-cIr /');
    const { code, output } = await client.run('-TT', 10_000);
    assert.equal(code, 0, output);
    assert.match(output, /^-theirs$/m);
  });
});

test('-TT: a FIFO on a C server has no content that could be waited for', async (t) => {
  if (!isInstalled('c')) return t.skip('skipped: csync2 (the C program) is not installed');
  const site = new Site({ hosts: 2, programs: ['ours', 'c'] });
  const [client, server] = [site.at(0), site.at(1)];
  try {
    site.configure();
    await server.serve();
    client.tree.write('file', 'ours\n');
    server.tree.mkdir('');
    server.tree.fifo('file');
    for (const host of [client, server]) await host.run('-cIr /');
    const { code, output } = await client.run('-TT', 10_000);
    assert.equal(code, 0, output);
    assert.match(output, /^\+ours$/m);
  } finally {
    await site.close();
  }
});
