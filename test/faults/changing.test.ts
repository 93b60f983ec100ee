import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { isInstalled } from '../scenarios/harness/programs.ts';
import { type FaultHost, Site } from './harness/site.ts';
import { WireTap } from './harness/wireTap.ts';

function inSync(client: FaultHost, server: FaultHost): void {
  assert.deepEqual(server.tree.snapshot(), client.tree.snapshot());
  assert.deepEqual([...client.rows().dirty, ...server.rows().dirty], []);
}

/** More than all the buffers on the way hold: whoever has seen the beginning pass knows that the end has not been read. */
const size = 24_000_000;

describe('large files that change while they are sent', () => {
  const changes: Record<string, (path: string) => void> = {
    grows: (path) => fs.appendFileSync(path, Buffer.alloc(100_000, 'g')),
    shrinks: (path) => fs.truncateSync(path, size - 10_000_000),
    'is overwritten, of the same size and time': (path) => {
      const { atimeMs, mtimeMs } = fs.statSync(path);
      const fd = fs.openSync(path, 'r+');
      for (const at of [0, size - 100_000]) fs.writeSync(fd, Buffer.alloc(100_000, 'p'), 0, 100_000, at);
      fs.closeSync(fd);
      fs.utimesSync(path, atimeMs / 1000, mtimeMs / 1000);
    },
    vanishes: (path) => fs.rmSync(path),
    'is replaced': (path) => {
      fs.writeFileSync(`${path}.new`, Buffer.alloc(size + 500_000, 'n'));
      fs.renameSync(`${path}.new`, path);
    },
    'becomes a directory': (path) => {
      fs.rmSync(path);
      fs.mkdirSync(path);
    },
    'becomes a link': (path) => {
      fs.rmSync(path);
      fs.symlinkSync('elsewhere', path);
    },
  };
  for (const program of ['ours', 'c'] as const) {
    for (const [what, change] of Object.entries(changes)) {
      test(`one that ${what} (→ ${program}): no half of it arrives, the rest does, the next run completes`, async (t) => {
        if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
        const site = new Site({ hosts: 2, programs: ['ours', program] });
        const [client, server] = [site.at(0), site.at(1)];
        const tap = new WireTap({ host: server.name, port: 30_866 });
        try {
          site.configure();
          await tap.listen(server.name, 30_865);
          await server.serve(true);
          client.tree.write('file', Buffer.alloc(size, 'o'));
          client.tree.write('zlast', 'last');
          let changed = false;
          tap.onLine = ({ way, line }) => {
            if (!changed && way === 'request' && line.startsWith('octet-stream') && Number(line.split(' ')[1]) > 1000) {
              changed = true;
              change(client.tree.path('file'));
            }
            return 'pass';
          };
          const first = await client.run('-x');
          assert.ok(changed, 'the file was not sent');
          assert.equal(first.code, 1);
          assert.match(first.output, /changed while it was sent/);
          assert.ok(client.rows().dirty.length > 0, 'what arrived counts as in sync');
          assert.deepEqual(server.leftovers(), []);
          if (program === 'ours') {
            assert.ok(!server.tree.names().includes('file'), 'a mixture arrived');
            assert.equal(server.tree.read('zlast'), 'last', 'the session did not go on');
          }
          const again = await client.run('-x');
          assert.equal(again.code, 0, again.output);
          // What C servers leave behind when a connection ends.
          for (const name of server.tree.names()) if (/^\.file\.\w{6}$/.test(name)) server.tree.remove(name);
          inSync(client, server);
        } finally {
          await tap.close();
          await site.close();
        }
      });
    }
  }
});

/** Changes small files all the time, in every way. What a file holds is one letter over and over, but for an empty one. */
const changing = `
const fs = require('node:fs');
const [root, count] = process.argv.slice(1);
let seed = 7;
const below = (n) => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % n;
const content = () => Buffer.alloc(100 + 100 * below(3), 97 + below(26));
const ways = [
  (path) => { const fd = fs.openSync(path, 'r+'); const { size } = fs.fstatSync(fd); fs.writeSync(fd, Buffer.alloc(size, 97 + below(26)), 0, size, 0); fs.closeSync(fd); },
  (path) => fs.writeFileSync(path, content()),
  (path) => { fs.writeFileSync(root + '/../aside', content()); fs.renameSync(root + '/../aside', path); },
  (path) => fs.truncateSync(path, 50),
  (path) => fs.rmSync(path),
  (path) => { fs.rmSync(path); fs.symlinkSync('elsewhere', path); },
  (path) => { fs.rmSync(path); fs.mkdirSync(path); },
];
let over = false;
process.on('SIGTERM', () => (over = true));
(function again() {
  if (over) process.exit();
  for (let at = 0; at < 20; at++) {
    const path = root + '/f' + below(Number(count));
    const found = fs.lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) { fs.writeFileSync(path, content()); continue; }
    if (!found.isFile()) { fs.rmSync(path, { recursive: true }); continue; }
    ways[below(10) < 6 ? below(2) : below(ways.length)](path);
  }
  setTimeout(again, below(4));
})();
`;

async function stop(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

describe('small files that change all the time', () => {
  const long = process.env['LONG_TESTS'] !== undefined;
  const files = 60;
  for (const program of ['ours', 'c'] as const) {
    test(`only what they really held arrives, and in the end all of it (→ ${program})`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: ['ours', program] });
      const [client, server] = [site.at(0), site.at(1)];
      let writer: ChildProcess | undefined;
      try {
        site.configure();
        await server.serve();
        for (let at = 0; at < files; at++) client.tree.write(`f${at}`, 'a'.repeat(100));
        assert.equal((await client.run('-x')).code, 0);
        writer = spawn(process.execPath, ['-e', changing, client.tree.root, String(files)], { stdio: 'inherit' });
        let seen = 0;
        for (let round = 0; round < (long ? 100 : 8); round++) {
          const { code, output } = await client.run('-x');
          assert.ok(code === 0 || code === 1, output);
          if (program === 'c') continue; // it takes what it gets, half a file too; that stays dirty
          for (const name of server.tree.names()) {
            const path = server.tree.path(name);
            if (!fs.lstatSync(path).isFile()) continue;
            const text = fs.readFileSync(path, 'latin1');
            assert.match(text, /^(.?)\1*$/, `${name} is a mixture`);
            assert.ok([0, 50, 100, 200, 300].includes(text.length), `${name} has ${text.length} bytes`);
            seen += 1;
          }
        }
        await stop(writer);
        writer = undefined;
        await sleep(50);
        // A C server takes half a file that it was left with for a change of its own.
        if (program === 'c') for (const args of ['-cr /', '-fr /']) await client.run(args);
        const { code, output } = await client.run('-x');
        assert.equal(code, 0, output);
        for (const name of server.tree.names()) if (/^\.f\d+\.\w{6}$/.test(name)) server.tree.remove(name);
        assert.deepEqual(server.tree.snapshot(), client.tree.snapshot());
        assert.deepEqual(client.rows().dirty, []);
        if (program === 'ours') assert.deepEqual(server.rows().dirty, []);
        assert.deepEqual(server.leftovers(), []);
        t.diagnostic(`${seen} files were looked at in between`);
      } finally {
        if (writer !== undefined) await stop(writer);
        await site.close();
      }
    });
  }
});

describe('a file that is not what was recorded when it is sent', () => {
  for (const program of ['ours', 'c'] as const) {
    test(`the next check finds it whatever it has become (→ ${program})`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: ['ours', program] });
      const [client, server] = [site.at(0), site.at(1)];
      const run = async (args: string): Promise<void> => {
        const { code, output } = await client.run(args);
        assert.equal(code, 0, output);
      };
      const version = (number: number): void =>
        client.tree.write('file', `version ${number}`, { mtime: 1_700_000_000 + number });
      try {
        site.configure();
        await server.serve();
        version(1);
        await run('-x');

        // Gone when it was checked, there when it was sent, and gone again.
        client.tree.remove('file');
        await run('-cr /');
        version(2);
        await run('-u');
        assert.equal(server.tree.read('file'), 'version 2');
        assert.deepEqual(client.rows().dirty, []);
        client.tree.remove('file');
        await run('-x');
        assert.deepEqual(server.tree.names(), client.tree.names());

        // Another version when it was sent, and back to what was recorded; so with one that was gone when it was sent.
        for (const [number, meanwhile] of [
          [3, () => version(4)],
          [5, () => client.tree.remove('file')],
        ] as const) {
          version(number);
          await run('-cr /');
          meanwhile();
          await run('-u');
          assert.deepEqual(client.rows().dirty, [], 'what the peer has is done with');
          assert.deepEqual(server.tree.snapshot(), client.tree.snapshot());
          version(number);
          await run('-x');
          assert.equal(server.tree.read('file'), `version ${number}`);
          inSync(client, server);
        }
      } finally {
        await site.close();
      }
    });

    test(`what was compared is what was recorded: the other content is not taken for it (→ ${program})`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: ['ours', program] });
      const [client, server] = [site.at(0), site.at(1)];
      const tap = new WireTap({ host: server.name, port: 30_866 });
      // So large that hosts of ours ask for a signature, too.
      const version = (number: number): Buffer => Buffer.alloc(3_000_000, `version ${number}`);
      try {
        site.configure();
        await tap.listen(server.name, 30_865);
        await server.serve(true);
        client.tree.write('file', version(1), { mtime: 1_700_000_001 });
        assert.equal((await client.run('-x')).code, 0);

        // Version 2 is looked at, and while the peer is asked, version 1 stands there once more.
        client.tree.write('file', version(2), { mtime: 1_700_000_002 });
        assert.equal((await client.run('-cr /')).code, 0);
        const path = client.tree.path('file');
        let swapped = false;
        tap.onLine = ({ way, line }) => {
          if (!swapped && way === 'request' && line.startsWith('SIG')) {
            swapped = true;
            fs.renameSync(path, `${client.root}/aside`);
            fs.writeFileSync(path, version(1));
          }
          return 'pass';
        };
        await client.run('-u');
        assert.ok(swapped);
        fs.renameSync(`${client.root}/aside`, path);
        assert.equal((await client.run('-x')).code, 0);
        inSync(client, server);
      } finally {
        await tap.close();
        await site.close();
      }
    });
  }

  for (const program of ['ours', 'c'] as const) {
    test(`what was in a directory that the peer has as a file by now is gone there (→ ${program})`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: ['ours', program] });
      const [client, server] = [site.at(0), site.at(1)];
      try {
        site.configure();
        await server.serve();
        client.tree.mkdir('');
        assert.equal((await client.run('-x')).code, 0);
        client.tree.mkdir('it');
        client.tree.write('it/inner', '');
        assert.equal((await client.run('-cr /')).code, 0);
        client.tree.remove('it');
        client.tree.write('it', 'a file');
        for (const args of ['-u', '-x']) {
          const { code, output } = await client.run(args);
          assert.equal(code, 0, output);
        }
        inSync(client, server);
      } finally {
        await site.close();
      }
    });
  }

  test('a socket that was made anew before a run is nothing to be checked: when it is gone, the peers keep theirs', async () => {
    const site = new Site({ hosts: 2 });
    const [client, server] = [site.at(0), site.at(1)];
    const sockets = new Map<FaultHost, net.Server>();
    const listen = async (host: FaultHost): Promise<void> => {
      const socket = net.createServer();
      await new Promise<void>((resolve) => socket.listen(host.tree.path('socket'), resolve));
      sockets.set(host, socket);
    };
    const end = async (host: FaultHost): Promise<void> => {
      await new Promise((resolve) => sockets.get(host)?.close(resolve) ?? resolve(undefined));
    };
    try {
      site.configure();
      await server.serve();
      for (const host of [client, server]) {
        host.tree.mkdir('');
        await listen(host);
        assert.equal((await host.run('-cr /')).code, 0);
      }
      await client.run('-u');
      // As everything in a directory that a peer lacks is marked.
      await client.run(`-m ${client.tree.path('socket')}`);
      fs.utimesSync(client.tree.path('socket'), 5, 5);
      assert.equal((await client.run('-u')).code, 0);
      assert.deepEqual(client.rows().dirty, []);
      await end(client);
      assert.equal((await client.run('-x')).code, 0);
      assert.deepEqual(server.tree.names(), ['socket']);
    } finally {
      for (const host of sockets.keys()) await end(host);
      await site.close();
    }
  });

  for (const program of ['ours', 'c'] as const) {
    test(`what the receiver changes while it is compared is its own change (${program} →)`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: [program, 'ours'] });
      const [client, server] = [site.at(0), site.at(1)];
      const tap = new WireTap({ host: server.name, port: 30_866 });
      // So large that hosts of ours ask for a signature, too.
      const content = (text: string): Buffer => Buffer.alloc(3_000_000, text);
      try {
        site.configure();
        await tap.listen(server.name, 30_865);
        await server.serve(true);
        client.tree.write('file', content('old'), { mtime: 1_700_000_001 });
        assert.equal((await client.run('-x')).code, 0);
        assert.deepEqual([...client.rows().dirty, ...server.rows().dirty], []);

        // Only the time differs, which is of this second. The receiver's file changes once its signature is on its way.
        client.tree.write('file', content('old'));
        let asked = false;
        let changed = false;
        tap.onLine = ({ way, line }) => {
          if (way === 'request') asked = line.startsWith('SIG') && line.includes('file');
          else if (asked && !changed && line.startsWith('OK (cmd_finished)')) {
            changed = true;
            const { mtime } = fs.statSync(client.tree.path('file'));
            fs.writeFileSync(server.tree.path('file'), content('new'));
            fs.utimesSync(server.tree.path('file'), mtime, mtime);
          }
          return 'pass';
        };
        const { code, output } = await client.run('-x');
        assert.ok(changed);
        assert.equal(code, 1, output);
        if (program === 'ours') assert.match(output, /File is also marked dirty here/);
        tap.onLine = () => 'pass';
        assert.equal(server.rows().dirty.length, 1);
        assert.equal(client.rows().dirty.length, 1);
        assert.equal(server.tree.read('file'), content('new').toString('latin1'));
      } finally {
        await tap.close();
        await site.close();
      }
    });
  }
});
