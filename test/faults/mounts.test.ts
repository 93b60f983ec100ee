import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isInstalled, isRoot } from '../scenarios/harness/programs.ts';
import { RawPeer } from './harness/rawPeer.ts';
import { type FaultHost, key, Site } from './harness/site.ts';

/** A file system of its own at a directory, which can go and come back as it was. */
class Disk {
  readonly directory: string;
  readonly #place: string;

  /** `place`: where it is kept, out of everybody's sight. */
  constructor(place: string, directory: string) {
    this.#place = place;
    this.directory = directory;
    fs.mkdirSync(place);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=755', 'disk', place]);
    this.mount();
  }

  mount(): void {
    execFileSync('mount', ['--bind', this.#place, this.directory]);
  }

  unmount(): void {
    execFileSync('umount', [this.directory]);
  }

  close(): void {
    for (const place of [this.directory, this.#place]) {
      try {
        execFileSync('umount', ['-l', place], { stdio: 'ignore' });
      } catch {
        // It was not mounted when the test ended.
      }
    }
  }
}

interface Scene {
  readonly client: FaultHost;
  readonly server: FaultHost;
  readonly disk: Disk;
}

/** `whose` tree has a file system at `disk`, with files in it that are in sync, beside one file that is not on it. */
async function withDisk(whose: 0 | 1, work: (scene: Scene) => Promise<void>, program: 'ours' | 'c' = 'ours') {
  const site = new Site({ hosts: 2, programs: whose === 0 ? ['ours', program] : [program, 'ours'] });
  const [client, server] = [site.at(0), site.at(1)];
  site.configure();
  for (const host of [client, server]) host.tree.mkdir('disk');
  const owner = site.at(whose);
  const disk = new Disk(join(owner.root, 'store'), owner.tree.path('disk'));
  try {
    client.tree.write('beside', 'one');
    client.tree.write('disk/a', 'a');
    client.tree.mkdir('disk/dir');
    client.tree.write('disk/dir/b', 'b');
    await server.serve();
    const { code, output } = await client.run('-x');
    assert.equal(code, 0, output);
    assert.deepEqual(server.tree.names(), client.tree.names());
    await work({ client, server, disk });
  } finally {
    await site.hosts.reduce((before, host) => before.then(() => host.kill()), Promise.resolve());
    disk.close();
    await site.close();
  }
}

const files = ['beside', 'disk', 'disk/a', 'disk/dir', 'disk/dir/b'];
const complaint = /tree\/disk is not mounted.*csync2 --forget-mount/;

function names({ tree }: FaultHost): string[] {
  return tree.names().sort();
}

describe('a file system that is not mounted', { skip: !isRoot && 'skipped: needs root' }, () => {
  for (const program of ['ours', 'c'] as const) {
    test(`its files are not taken for deleted (→ ${program}), other files go on, and all is well when it is back`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      await withDisk(
        0,
        async ({ client, server, disk }) => {
          const rows = client.rows().file;
          disk.unmount();
          client.tree.write('beside', 'two', { mtime: 1_700_000_100 });
          client.tree.write('disk/a', 'what lies below', { mtime: 1_700_000_100 });
          const lost = await client.run('-x');
          assert.equal(lost.code, 1);
          assert.match(lost.output, complaint);
          assert.equal(lost.output.match(/is not mounted/g)?.length, 1, lost.output);
          assert.deepEqual(names(server), files);
          assert.equal(server.tree.read('beside'), 'two');
          assert.equal(server.tree.read('disk/a'), 'a');
          assert.deepEqual(client.rows().dirty, []);
          assert.deepEqual(
            client.rows().file.map((row) => row.split(/\s/)[0]),
            rows.map((row) => row.split(/\s/)[0]),
          );
          fs.rmSync(client.tree.path('disk/a'));
          disk.mount();
          client.tree.write('disk/a', 'new', { mtime: 1_700_000_200 });
          const again = await client.run('-x');
          assert.equal(again.code, 0, again.output);
          assert.equal(server.tree.read('disk/a'), 'new');
        },
        program,
      );
    });
  }

  test('a single file of it, a hint, a first run, a mount point that is gone too', async () => {
    await withDisk(0, async ({ client, disk }) => {
      disk.unmount();
      fs.rmdirSync(disk.directory);
      const rows = client.rows().file;
      await client.run(`-h ${disk.directory}/dir/b`);
      for (const args of [`-c ${disk.directory}/a`, `-cr ${disk.directory}/dir`, '-cIr /', '-c', '-x']) {
        const { code, output } = await client.run(args);
        assert.equal(code, 1, args);
        assert.match(output, complaint, args);
      }
      assert.deepEqual(client.rows().file, rows);
      assert.deepEqual(client.rows().dirty, []);
      assert.equal((await client.run(`-c ${client.tree.path('beside')}`)).code, 0);
    });
  });

  test('what was marked before is not sent as a deletion', async () => {
    await withDisk(0, async ({ client, server, disk }) => {
      client.tree.write('disk/a', 'changed', { mtime: 1_700_000_100 });
      await client.run('-cr /');
      assert.equal(client.rows().dirty.length, 1);
      disk.unmount();
      const { code, output } = await client.run('-u');
      assert.equal(code, 1);
      assert.match(output, complaint);
      assert.equal(server.tree.read('disk/a'), 'a');
      disk.mount();
      assert.equal((await client.run('-u')).code, 0);
      assert.equal(server.tree.read('disk/a'), 'changed');
    });
  });

  test('an include below the mount point, and a prefix', async () => {
    await withDisk(0, async ({ client, disk }) => {
      const config = (include: string): string =>
        `nossl * *;\nprefix q { on *: ${disk.directory}/dir; }\ngroup g { host ${client.name} other; key k; include ${include}; }\n`;
      for (const include of [`${disk.directory}/dir`, '%q%']) {
        client.configure(config(include));
        fs.rmSync(client.database);
        assert.equal((await client.run('-cIr /')).code, 0);
        assert.equal(client.rows().file.length, 2);
        disk.unmount();
        const { code, output } = await client.run('-cr /');
        assert.equal(code, 1);
        assert.match(output, complaint);
        assert.equal(client.rows().file.length, 2);
        assert.deepEqual(client.rows().dirty, []);
        disk.mount();
      }
    });
  });

  for (const program of ['ours', 'c'] as const) {
    test(`a peer's files (${program}) do not get onto the directory below`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      await withDisk(
        1,
        async ({ client, server, disk }) => {
          const rows = server.rows().file.length;
          disk.unmount();
          client.tree.write('beside', 'two', { mtime: 1_700_000_100 });
          client.tree.write('disk/new', 'new');
          client.tree.write('disk/large', Buffer.alloc(1_000_000));
          fs.rmSync(client.tree.path('disk/a'));
          const lost = await client.run('-xv');
          assert.equal(lost.code, 1);
          // C programs do not say what a peer answered.
          if (program === 'ours') assert.match(lost.output, /The file system that this file is on is not mounted!/);
          assert.match(lost.output, program === 'ours' ? /Finished with 1 errors/ : /Finished with 3 errors/);
          assert.match(server.log, complaint);
          assert.deepEqual(fs.readdirSync(disk.directory), []);
          assert.equal(server.tree.read('beside'), 'two');
          assert.deepEqual([server.rows().file.length, server.rows().dirty], [rows, []]);
          disk.mount();
          const again = await client.run('-x');
          assert.equal(again.code, 0, again.output);
          assert.deepEqual(names(server), names(client));
          assert.deepEqual([...client.rows().dirty, ...server.rows().dirty], []);
        },
        program,
      );
    });
  }

  test('a peer that has lost it is one error, with the number of files; -v names them all', async () => {
    await withDisk(1, async ({ client, server, disk }) => {
      disk.unmount();
      for (const name of ['a', 'one', 'two']) client.tree.write(`disk/${name}`, 'new', { mtime: 1_700_000_100 });
      fs.rmSync(client.tree.path('disk/dir'), { recursive: true });
      await client.run('-cr /');
      const reply = `ERROR from peer ${server.name}: The file system that this file is on is not mounted!`;
      const sum = `5 files were refused because their file systems are not mounted on ${server.name}: its log names these.`;
      for (const args of ['-u', '-x', '-ud']) {
        const { code, output } = await client.run(args);
        assert.equal(code, 1);
        assert.equal(output, `While syncing file %t%/disk/dir/b:\n${reply}\n${sum}\nFinished with 1 errors.\n`, args);
      }
      const { output } = await client.run('-uv');
      for (const name of ['a', 'one', 'two', 'dir', 'dir/b']) assert.match(output, new RegExp(`%t%/disk/${name}:\n`));
      assert.match(output, /Finished with 1 errors/);
    });
  });

  test('-T, -TT and -TI say that it is not mounted, and compare what is elsewhere only', async () => {
    await withDisk(0, async ({ client, server, disk }) => {
      const pair = `${client.name} ${server.name}`;
      client.tree.write('disk/a', 'changed', { mtime: 1_700_000_100 });
      await client.run('-cr /');
      await client.run('-f /');
      assert.match((await client.run(`-T ${pair}`)).output, /^X\t.*%t%\/disk\/a\n$/);
      disk.unmount();
      const error = `${disk.directory} is not mounted, as it was`;
      const rows = client.rows();
      for (const args of [`-T ${pair}`, `-TT ${pair}`, `-TI ${pair}`, `-T ${pair} ${disk.directory}/a`, '-T']) {
        const { code, output } = await client.run(args);
        assert.equal(code, 1, args);
        assert.match(output, /^[^\n]*compared[^\n]*\nFinished with 1 errors\.\n$/, args);
        assert.ok(output.startsWith(error), output);
      }
      assert.deepEqual(client.rows(), rows);
      client.tree.write('beside', 'two', { mtime: 1_700_000_100 });
      await client.run(`-c ${client.tree.path('beside')}`);
      const all = await client.run(`-T ${pair}`);
      assert.equal(all.code, 1);
      assert.match(all.output, new RegExp(`^X\t${client.name}\t${server.name}\t%t%/beside$`, 'm'));
      assert.doesNotMatch(all.output, /%t%\/disk/);
      const one = await client.run(`-T ${pair} ${client.tree.path('beside')}`);
      assert.deepEqual([one.code, one.output], [0, `X\t${client.name}\t${server.name}\t%t%/beside\n`]);
    });
  });

  test('-T of a pair that shares nothing of it is as ever', async () => {
    await withDisk(0, async ({ client, server, disk }) => {
      const third = '127.0.0.9';
      const prefix = [client, server].map(({ name, tree }) => `on ${name}: ${tree.root};`).join(' ');
      const beside = `group g { host ${client.name} ${server.name}; key k; include %t%/beside; }`;
      const all = `group h { host ${client.name} ${third}; key other; include %t%; }`;
      for (const host of [client, server]) {
        host.configure(`nossl * *;\nprefix t { ${prefix} on ${third}: /none; }\n${beside}\n${all}\n`);
      }
      disk.unmount();
      const { code, output } = await client.run(`-T ${client.name} ${server.name}`);
      assert.deepEqual([code, output], [2, '']);
      assert.match((await client.run(`-T ${client.name} ${third}`)).output, complaint);
    });
  });

  test('-TT says once that a peer has lost it, with the number of files', async () => {
    await withDisk(1, async ({ client, server, disk }) => {
      disk.unmount();
      for (const name of ['a', 'dir/b']) client.tree.write(`disk/${name}`, 'new', { mtime: 1_700_000_100 });
      await client.run('-cr /');
      const { code, output } = await client.run(`-TT ${client.name} ${server.name}`);
      assert.equal(code, 1);
      assert.equal(output.match(/The file system that this file is on is not mounted!/g)?.length, 1, output);
      assert.match(output, /^2 files were refused .* not mounted on [0-9.]+: .*\nFinished with 1 errors\.$/m);
    });
  });

  test('no command is answered about a file of it', async () => {
    await withDisk(1, async ({ client, server, disk }) => {
      disk.unmount();
      const peer = await RawPeer.connect(server.name, server.port, client.name);
      await peer.ask('CONFIG ');
      await peer.ask(`HELLO ${client.name}`);
      const simple = ['SIG', 'TYPE', 'GETTM', 'GETSZ', 'MARK', 'FLUSH', 'DEL', 'PATCH', 'MKDIR', 'MKFIFO'];
      const commands = [
        ...simple.map((name) => `${name} K F`),
        'SETOWN K F 0 0',
        'SETMOD K F 511',
        'SETIME K F 1',
        'MKLINK K F x',
        'XDEL K F force',
        'XSET K F force 16877 0 0 1 0 dir',
        'XPUT K F force 33188 0 0 1 0\noctet-stream 4\nmine',
      ];
      for (const command of commands) {
        for (const file of ['', '/a', '/none']) {
          const words = command.replace(' K', ` ${key}`).replace(' F', ` %25t%25/disk${file}`);
          assert.equal(await peer.ask(words), 'The file system that this file is on is not mounted!', words);
        }
      }
      assert.equal(await peer.ask('BYE'), 'OK (cu_later).');
      peer.close();
      assert.deepEqual(fs.readdirSync(disk.directory), []);
      disk.mount();
      assert.deepEqual(names(server), files);
    });
  });

  test('one that is unmounted while a session goes on', async () => {
    await withDisk(1, async ({ client, server, disk }) => {
      const peer = await RawPeer.connect(server.name, server.port, client.name);
      await peer.ask('CONFIG ');
      await peer.ask(`HELLO ${client.name}`);
      const put = (name: string): Promise<string | undefined> =>
        peer.ask(`XPUT ${key} %25t%25/disk/${name} force 33188 0 0 1 0\noctet-stream 4\nmine`);
      assert.equal(await put('x'), 'OK (cmd_finished).');
      disk.unmount();
      assert.match((await put('y')) ?? '', /is not mounted/);
      peer.close();
      assert.deepEqual(fs.readdirSync(disk.directory), []);
    });
  });

  test('--forget-mount: it is meant, and what is not there counts as deleted', async () => {
    await withDisk(0, async ({ client, server, disk }) => {
      const refused = await client.run(`--forget-mount ${client.tree.root}/elsewhere`);
      assert.equal(refused.code, 1);
      assert.match(refused.output, /elsewhere is not remembered as a mount point/);
      disk.unmount();
      const { code, output } = await client.run(`--forget-mount ${disk.directory}`);
      assert.equal(code, 0, output);
      assert.equal((await client.run('-x')).code, 0);
      assert.deepEqual(names(server), ['beside', 'disk']);
    });
  });

  test('--status and --explain tell of it', async () => {
    await withDisk(0, async ({ client, disk }) => {
      disk.unmount();
      const status = await client.run('--status');
      assert.equal(status.code, 2);
      assert.match(status.output, complaint);
      assert.match(
        (await client.run(`--explain ${disk.directory}/a`)).output,
        /-x would +report an error: .* not mounted/,
      );
    });
  });

  test('--explain says of each name of a file that it is out of reach, not that it is gone or another', async () => {
    await withDisk(0, async ({ client, disk }) => {
      const path = `${disk.directory}/a`;
      disk.unmount();
      for (const isHidden of [false, true]) {
        // What lies below the mount point is none of the file's business.
        if (isHidden) fs.writeFileSync(path, 'what lies below');
        const { output } = await client.run(`--explain ${path}`);
        assert.equal(output.match(/on the disk +out of reach: .*tree\/disk is not mounted$/gm)?.length, 2, output);
        assert.match(output, /-x would +nothing under this name: no group covers it\n%t%\/disk\/a\n/);
        assert.doesNotMatch(output, /not there|differs in|last changed/);
        const { output: json } = await client.run(`--explain --json ${path}`);
        const states = json.trim().split('\n');
        assert.deepEqual(
          states.map((line) => (JSON.parse(line) as { disk: string }).disk),
          ['not-mounted', 'not-mounted'],
        );
      }
    });
  });

  test('one without files of ours may come and go', async () => {
    await withDisk(0, async ({ client, disk }) => {
      fs.rmSync(join(disk.directory, 'a'));
      fs.rmSync(join(disk.directory, 'dir'), { recursive: true });
      assert.equal((await client.run('-x')).code, 0);
      disk.unmount();
      assert.equal((await client.run('-x')).code, 0);
      client.tree.write('disk/plain', 'on the directory itself');
      for (let run = 0; run < 2; run++) assert.equal((await client.run('-x')).code, 0);
    });
  });

  test('a directory of the same file system that is mounted somewhere is nothing special', async () => {
    const site = new Site({ hosts: 2 });
    const [client, server] = [site.at(0), site.at(1)];
    site.configure();
    client.tree.mkdir('at');
    client.tree.write('at/below', 'recorded before anything was mounted there');
    fs.mkdirSync(join(client.root, 'from'));
    fs.writeFileSync(join(client.root, 'from/file'), 'x');
    await server.serve();
    try {
      assert.equal((await client.run('-x')).code, 0);
      execFileSync('mount', ['--bind', join(client.root, 'from'), client.tree.path('at')]);
      try {
        assert.equal((await client.run('-x')).code, 0);
        assert.deepEqual(names(server), ['at', 'at/file']);
      } finally {
        execFileSync('umount', ['-l', client.tree.path('at')]);
      }
      assert.equal((await client.run('-x')).code, 0);
      assert.deepEqual(names(server), ['at', 'at/below']);
    } finally {
      await site.close();
    }
  });
});
