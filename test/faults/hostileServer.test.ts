import assert from 'node:assert/strict';
import fs from 'node:fs';
import type net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { alterRows } from '../scenarios/harness/database.ts';
import { FaultHost, Site } from './harness/site.ts';
import { WireTap } from './harness/wireTap.ts';

let site: Site;
let client: FaultHost;
let server: FaultHost;
let tap: WireTap;
let dirty: readonly string[];

before(async () => {
  site = new Site({ hosts: 2 });
  client = site.at(0);
  server = site.at(1);
  site.configure('auto younger;');
  tap = new WireTap({ host: server.name, port: 30_866 });
  await tap.listen(server.name, 30_865);
  client.tree.write('a', 'content');
  client.tree.mkdir('d');
  client.tree.symlink('l', 'target');
  await client.run('-cr /');
  dirty = client.rows().dirty;
});

after(async () => {
  await tap.close();
  await site.close();
});

type Answer = (command: string, socket: net.Socket, at: number) => string | undefined;

/** A server of our own making: `answer` gets each line of the client. */
function serveWith(answer: Answer): void {
  tap.onConnection = (socket) => {
    let held = '';
    let at = 0;
    socket.on('data', (chunk: Buffer) => {
      held += chunk.toString('latin1');
      for (let end = held.indexOf('\n'); end >= 0; end = held.indexOf('\n')) {
        const line = held.slice(0, end);
        held = held.slice(end + 1);
        const reply = answer(line, socket, at++);
        if (reply !== undefined && !socket.destroyed) socket.write(Buffer.from(reply, 'latin1'));
      }
    });
    socket.resume();
    return true;
  };
}

const polite = (line: string): string | undefined =>
  /^(CONFIG|HELLO|GROUP)/.test(line) ? 'OK (cmd_finished).\n' : undefined;
const noCaps = (line: string): string | undefined =>
  polite(line) ?? (line.startsWith('CAPS') ? 'Unknown command!\n' : undefined);

/** The client neither hangs nor crashes nor forgets, and says that something went wrong. */
async function survives(what: string, believed = false): Promise<void> {
  const result = await client.run('-u', 30_000);
  assert.equal(result.code, 1, `${what}: ${result.output}`);
  assert.doesNotMatch(result.output, /\n\s+at .*(\.ts|\.cjs|node:)/, what);
  // Whoever answers OK to a change is believed: it is the peer's own loss.
  if (believed) await client.run(`-mr ${client.tree.root}`);
  assert.deepEqual(client.rows().dirty, dirty, `${what}: rows were forgotten`);
}

describe('a hostile server', () => {
  const nonsense: Record<string, string> = {
    'an empty line': '\n',
    binary: '\x00\x01\x02\xff\n',
    'an unknown error': 'No way!\n',
    'a line without an end': 'x'.repeat(3_000_000),
    'a signature of 10^18 bytes': 'OK (data_follows).\nv1:x\noctet-stream 1000000000000000000\n',
    'a signature of 10^30 bytes': 'OK (data_follows).\nv1:x\noctet-stream 1000000000000000000000000000000\n',
    'a signature of negative length': 'OK (data_follows).\nv1:x\noctet-stream -5\n',
    'a length that is no number': 'OK (data_follows).\nv1:x\noctet-stream 0x10\n',
    'no blob where one is due': 'OK (data_follows).\nv1:x\nOK (cmd_finished).\n',
    'a checktxt without an end': `OK (data_follows).\n${'v'.repeat(2_000_000)}`,
  };
  for (const [what, reply] of Object.entries(nonsense)) {
    for (const command of ['CONFIG', 'HELLO', 'SIG', 'XSET', 'PATCH']) {
      test(`${what} as the answer to ${command}`, async (t) => {
        const withCaps = command.startsWith('X');
        let came = false;
        serveWith((line, socket) => {
          if (line.startsWith(command)) {
            came = true;
            setTimeout(() => socket.end(), 50);
            return reply;
          }
          if (withCaps && line.startsWith('CAPS')) return 'OK (caps xput).\n';
          if (line.startsWith('SIG')) return 'OK (path_not_found).\n---\noctet-stream 0\nOK (cmd_finished).\n';
          return noCaps(line) ?? (line.startsWith('BYE') ? 'OK (cu_later).\n' : 'Something is wrong.\n');
        });
        await survives(`${what} after ${command}`, reply.startsWith('OK'));
        if (!came) t.diagnostic(`the client did not come to ${command}`);
      });
    }
  }

  for (const [what, reply] of Object.entries({ 'an error': 'No way!\n', garbage: '\x00\xff\x1b[31m\n' })) {
    test(`${what} as the answer to SYNC is trouble of this peer only`, async () => {
      // As many as are waited for at once.
      client.tree.mkdir('many');
      for (let at = 0; at < 4000; at++) client.tree.write(`many/${at}`, '');
      await client.run('-cr /');
      const before = client.rows().dirty;
      serveWith((line) => {
        if (line.startsWith('CAPS')) return 'OK (caps xput sync).\n';
        // A content that does not end its line stands before the next command.
        if (line.includes('XPUT')) return undefined;
        return line.includes('SYNC') ? reply : line.startsWith('BYE') ? 'OK (cu_later).\n' : 'OK (cmd_finished).\n';
      });
      const { code, output } = await client.run('-u', 30_000);
      assert.equal(code, 1, output);
      assert.match(output, /SYNC command failed/);
      assert.match(output, /Host stays in dirty state/);
      assert.deepEqual(client.rows().dirty, before, 'rows were forgotten');
      const status = await client.run('--status', 30_000);
      assert.match(status.output, /CRITICAL.*SYNC command failed/, 'the trouble is remembered');
      client.tree.remove('many');
      await client.run('-cr /');
      alterRows(client.database, "DELETE FROM dirty WHERE filename LIKE '%many%'");
      assert.deepEqual(client.rows().dirty, dirty);
    });
  }

  test('hanging up after each line and in the middle of it', async () => {
    const replies = [
      'OK (cmd_finished).\n',
      'Unknown command!\n',
      'OK (cmd_finished).\n',
      'OK (path_not_found).\n',
      '---\n',
      'octet-stream 0\n',
    ];
    for (let count = 0; count <= replies.length; count++) {
      for (const half of [false, true]) {
        serveWith((_, socket, at) => {
          if (at < count) return replies[at];
          socket.end(half ? (replies[at] ?? '').slice(0, 4) : '');
          return undefined;
        });
        await survives(`after ${count} lines`);
      }
    }
  });

  test('answers cannot play with the terminal or forge lines', async () => {
    const evil = 'No\x1b]0;owned\x07 way\r  \x7f!\n';
    for (const command of ['CONFIG', 'HELLO', 'SIG', 'LIST', 'TYPE']) {
      serveWith((line, socket) => {
        if (line.startsWith('TYPE')) setTimeout(() => socket.end(), 50);
        if (line.startsWith(command)) return evil;
        if (line.startsWith('LIST')) return 'v1%3Atype=dir\t%25t%25/a\nOK (cmd_finished).\n';
        return noCaps(line) ?? 'OK (cu_later).\n';
      });
      for (const args of ['-u', '-T', '-TT']) {
        const { output } = await client.run(args, 30_000);
        assert.doesNotMatch(output.replaceAll(/\t/g, ''), /[\0-\x09\x0b-\x1f\x7f]/, `${command} ${args}`);
      }
    }
    assert.deepEqual(client.rows().dirty, dirty);
  });

  test('lists of anything: nothing outside is marked or read, the comparison ends', async () => {
    const names = [
      '%25t%25/../etc',
      '/etc/passwd',
      '%25nosuch%25/x',
      '%25t%25//',
      '',
      '%00',
      'x'.repeat(60_000),
      '%25t%25/\xff',
    ];
    const bodies: Record<string, string> = {
      'strange names': names.map((name) => `v1%3Atype=dir\t${name}\n`).join('') + 'OK (cmd_finished).\n',
      'rows out of order': 'a\t%25t%25/z\na\t%25t%25/b\na\t%25t%25/z\nOK (cmd_finished).\n',
      'rows with more fields': 'a\tb\tc\td\n\t\n\t\t\nOK (cmd_finished).\n',
      'no end': 'a\t%25t%25/b\n',
      'an error as the end': 'a\t%25t%25/b\nPermission denied!\n',
      'a line without an end': `a\t${'x'.repeat(3_000_000)}`,
      nothing: '',
    };
    for (const [what, body] of Object.entries(bodies)) {
      serveWith((line, socket) => {
        if (line.startsWith('TYPE')) return void socket.end('OK (data_follows).\nforeign\n');
        if (!line.startsWith('LIST')) return noCaps(line) ?? 'OK (cu_later).\n';
        if (!body.endsWith('OK (cmd_finished).\n')) setTimeout(() => socket.end(), 100);
        return body;
      });
      for (const args of ['-T', '-TT', '-TIX']) {
        const { signal, output } = await client.run(args, 30_000);
        assert.equal(signal, null, `${what} ${args}`);
        assert.doesNotMatch(output, /\n\s+at .*(\.ts|\.cjs|node:)/, what);
        assert.doesNotMatch(output, /root:/, `${what} ${args}: ${output}`);
      }
      const strange: readonly string[] = client.rows().dirty.filter((row) => /etc|nosuch|%00|\/\/|\.\./.test(row));
      assert.deepEqual(strange, [], what);
    }
    alterRows(client.database, 'DELETE FROM dirty');
    await client.run(`-mr ${client.tree.root}`);
    assert.deepEqual(client.rows().dirty, dirty);
  });

  test('figures that are none decide no conflict for us', async () => {
    for (const figure of ['', 'NaN', '1e9', '0x1', '9'.repeat(40), ' ', 'OK (cmd_finished).', '-']) {
      let forced = false;
      serveWith((line) => {
        forced ||= line.startsWith('FLUSH') || / force /.test(line);
        if (line.startsWith('SIG')) return 'OK (path_not_found).\n---\noctet-stream 0\nOK (cmd_finished).\n';
        if (line.startsWith('GETTM')) return `OK (data_follows).\n${figure}\n`;
        if (/^(PATCH|MK|DEL)/.test(line)) return 'File is also marked dirty here!\n';
        return noCaps(line) ?? (line.startsWith('BYE') ? 'OK (cu_later).\n' : 'File is also marked dirty here!\n');
      });
      await survives(`GETTM → ${figure}`);
      assert.equal(forced, false, `'${figure}' won`);
    }
  });

  for (const [what, text] of [
    ['answers', 'OK (cmd_finished).\n'],
    ['lines', 'OK (data_follows).'],
  ] as const) {
    test(`endless ${what} do not fill memory`, async () => {
      serveWith((line, socket) => {
        if (!line.startsWith('SIG')) return noCaps(line);
        const flood = Buffer.alloc(1 << 20, text);
        let sent = 0;
        const more = (): void => {
          while (!socket.destroyed && sent++ < 400) if (!socket.write(flood)) return void socket.once('drain', more);
          socket.end();
        };
        more();
        return undefined;
      });
      const { child, ending } = client.start(['-u']);
      let largest = 0;
      const timer = setInterval(() => {
        try {
          const status = fs.readFileSync(`/proc/${child.pid}/status`, 'latin1');
          largest = Math.max(largest, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0));
        } catch {
          clearInterval(timer); // it has ended
        }
      }, 20);
      const stop = setTimeout(() => child.kill('SIGKILL'), 30_000);
      const result = await ending;
      clearTimeout(stop);
      clearInterval(timer);
      assert.equal(result.signal, null, 'hung');
      assert.equal(result.code, 1, result.output);
      assert.ok(largest < 250_000, `${largest} kB`);
      assert.deepEqual(client.rows().dirty, dirty);
    });
  }
});
