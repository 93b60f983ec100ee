import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { readFileSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deafListener } from '../scenarios/harness/deafListener.ts';
import { until } from '../scenarios/harness/process.ts';
import { isInstalled } from '../scenarios/harness/programs.ts';
import { RawPeer } from './harness/rawPeer.ts';
import { type FaultHost, key, Site } from './harness/site.ts';

describe('limits of the configuration', () => {
  test('sessions, time to log in, idle time, lines, names, arguments: each where it is set', async () => {
    const site = new Site({ hosts: 2 });
    const [server, member] = [site.at(0), site.at(1)];
    try {
      const statements = 'login-timeout 1; idle-timeout 2; max-line 1K; max-path 255; max-arguments 16; max-size 10;\n';
      site.configure('', statements);
      server.tree.write('file', 'content');
      await server.run('-cIr /');
      await server.serve();

      const slow = await RawPeer.connect(server.name, server.port, member.name);
      assert.equal(await slow.ask('CONFIG '), 'OK (cmd_finished).');
      assert.equal(await slow.rest(), '', 'who does not log in is put out');
      const says = (text: string): Promise<boolean> => until(() => server.log.includes(text), 20_000);
      assert.ok(await says(`${member.name}: did not identify itself within 1 seconds`), server.log);

      const enter = async (): Promise<RawPeer> => {
        const peer = await RawPeer.connect(server.name, server.port, member.name);
        assert.equal(await peer.logIn(member.name), 'OK (cmd_finished).');
        return peer;
      };
      const idle = await enter();
      assert.equal(await idle.rest(), '');
      assert.ok(await says('nothing happened for 2 seconds'), server.log);

      const long = await enter();
      const name = (length: number): string => `%25t%25/${'a'.repeat(200)}/${'b'.repeat(length - 205)}`;
      assert.equal(await long.ask(`GETSZ ${key} ${name(255)}`), 'OK (data_follows).');
      assert.equal(await long.line(), '-1', 'there is none, which it may ask');
      assert.equal(await long.ask(`GETSZ ${key} ${name(256)}`), 'Permission denied!');
      assert.equal(
        await long.ask(`MKLINK ${key} %25t%25/link ${'a'.repeat(256)}`),
        'Invalid argument: MKLINK needs a valid target.',
      );
      assert.equal(
        await long.ask(`XSET ${key} %25t%25/link check 41471 0 0 1 0 lnk ${'a'.repeat(256)}`),
        'Invalid argument: XSET needs a valid target.',
      );
      assert.equal(await long.ask(`GETSZ ${key} %25t%25/file ${'x '.repeat(14)}`), 'OK (data_follows).');
      assert.equal(await long.line(), '7');
      assert.equal(
        await long.ask(`GETSZ ${key} %25t%25/file ${'x '.repeat(15)}`),
        'Too many arguments (more than 16).',
      );
      assert.equal(await long.ask(`GROUP ${'g,'.repeat(17)}`), 'Too many arguments (more than 16).');
      assert.equal(await long.ask(`GETSZ ${key} %25t%25/${'a'.repeat(1000)}`), 'Line too long (more than 1024 bytes).');
      assert.equal(await long.rest(), '');

      for (const peer of [slow, idle, long]) peer.close();

      member.tree.write('file', 'content, and too much of it', { mtime: 1_700_000_500 });
      member.tree.write('small', 'little');
      const { code, output } = await member.run('-x');
      assert.equal(code, 1);
      assert.match(output, /ERROR from peer .*: File too large/);
      assert.equal(server.tree.read('small'), 'little', 'other files go on');
      assert.equal(server.tree.read('file'), 'content');
      assert.equal(member.rows().dirty.length, 1);
    } finally {
      await site.close();
    }
  });
});

/** Adds a session of this name, from its address, to `peers`. The answer to its HELLO; undefined when it was refused. */
async function logInAt({ name: host, port }: FaultHost, name: string, peers: RawPeer[]): Promise<string | undefined> {
  const peer = await RawPeer.connect(host, port, name);
  peers.push(peer);
  return peer.logIn(name);
}

test('max-sessions: members that are there stay, one more is refused until one of them leaves; who is none makes room', async () => {
  const site = new Site({ hosts: 3 });
  const [server, ...members] = site.hosts as [FaultHost, ...FaultHost[]];
  const peers: RawPeer[] = [];
  const enter = (name: string): Promise<string | undefined> => logInAt(server, name, peers);
  try {
    site.configure('', 'max-sessions 2;\n');
    await server.serve();
    const stranger = await RawPeer.connect(server.name, server.port, '127.250.250.250');
    for (const { name } of members) assert.equal(await enter(name), 'OK (cmd_finished).');
    assert.equal(await stranger.rest(), '', 'who has not logged in has to go');
    assert.equal(await enter(members[0]?.name ?? ''), undefined);
    for (const peer of peers.slice(0, 2)) assert.equal(await peer.ask('CAPS'), await peers[0]?.ask('CAPS'));
    assert.equal(await peers[0]?.ask('BYE'), 'OK (cu_later).');
    await peers[0]?.rest();
    let answer: string | undefined;
    for (let patience = 1000; answer === undefined && patience > 0; patience--) {
      await sleep(20);
      answer = await enter(members[0]?.name ?? '');
    }
    assert.equal(answer, 'OK (cmd_finished).');
    stranger.close();
  } finally {
    for (const peer of peers) peer.close();
    await site.close();
  }
});

test('max-sessions-per-address: a member more is refused at one address, and none at another; who is none makes room', async () => {
  const site = new Site({ hosts: 3 });
  const [server, member, other] = [site.at(0), site.at(1), site.at(2)];
  const peers: RawPeer[] = [];
  const enter = (name: string): Promise<string | undefined> => logInAt(server, name, peers);
  try {
    // Nobody is put out for anything else.
    site.configure('', 'max-sessions-per-address 3; login-timeout 600;\n');
    await server.serve();
    const waiting = await RawPeer.connect(server.name, server.port, member.name);
    peers.push(waiting);
    for (let at = 0; at < 3; at++) assert.equal(await enter(member.name), 'OK (cmd_finished).');
    assert.equal(await waiting.rest(), '', 'who has not logged in has to go');
    assert.equal(await enter(member.name), undefined, 'a fourth is refused while three members are there');
    for (let at = 0; at < 4; at++) assert.equal(await enter(other.name), at < 3 ? 'OK (cmd_finished).' : undefined);
    assert.equal(server.log.split('refused: too many sessions').length, 3, server.log);
  } finally {
    for (const peer of peers) peer.close();
    await site.close();
  }
});

const dawdlers: Record<string, { readonly tls: boolean; readonly dawdle: (peer: RawPeer) => Promise<void> }> = {
  'the handshake of TLS': {
    tls: true,
    dawdle: async (peer) => {
      assert.equal(await peer.ask('SSL'), 'OK (activating_ssl).');
      // The head of a record, and nothing in it.
      peer.send(Buffer.from([22, 3, 1, 2, 0]));
      await peer.rest();
    },
  },
  'the time in which answers are not read': {
    tls: false,
    dawdle: async (peer) => {
      assert.equal(await peer.ask('CONFIG '), 'OK (cmd_finished).');
      peer.socket.pause();
      // Each of them has an answer of 17 bytes.
      peer.send('x\n'.repeat(2 << 20));
    },
  },
};

for (const [what, { tls, dawdle }] of Object.entries(dawdlers)) {
  test(`login-timeout: ${what} counts, too`, async () => {
    const site = new Site({ hosts: 2, tls });
    const [server, member] = [site.at(0), site.at(1)];
    try {
      site.configure('', 'login-timeout 1;\n');
      await server.serve();
      const peer = await RawPeer.connect(server.name, server.port, member.name);
      await dawdle(peer);
      assert.ok(await until(() => server.log.includes('did not identify itself within 1 seconds'), 20_000), server.log);
      peer.close();
    } finally {
      await site.close();
    }
  });
}

test('max-sessions: whose peer has left is none any more, whatever its commands are waiting for', async () => {
  const site = new Site({ hosts: 2 });
  const [member, server] = [site.at(0), site.at(1)];
  try {
    site.configure('action { exec "sleep 5"; logfile /dev/null; }', 'max-sessions 2;\n');
    await server.serve();
    for (const name of ['a', 'b', 'c', 'd']) {
      member.tree.write(name, 'content');
      const { code, output } = await member.run('-x');
      assert.equal(code, 0, output);
      await until(() => server.log.includes(`Updated %t%/${name}`), 20_000);
    }
  } finally {
    await site.close();
  }
});

test('connect-timeout: as long as it says, and no longer', async (t) => {
  const site = new Site({ hosts: 2 });
  const [client, server] = [site.at(0), site.at(1)];
  const deaf = await deafListener(server.name, 30_865);
  try {
    if (deaf === undefined) return t.skip('skipped: no deaf listener can be made here');
    site.configure('', 'connect-timeout 1; idle-timeout 2;\n');
    client.tree.write('file', 'content');
    const begun = performance.now();
    const { code, output } = await client.run('-x');
    assert.equal(code, 1);
    assert.match(output, /Connection timed out/);
    const seconds = (performance.now() - begun) / 1000;
    assert.ok(seconds >= 1 && seconds < 8, `${seconds} s`);
  } finally {
    deaf?.close();
    await site.close();
  }
});

test('idle-timeout: a peer that says nothing is given up, and others get their files', async () => {
  const site = new Site({ hosts: 3 });
  const [client, silent, server] = [site.at(0), site.at(1), site.at(2)];
  const held = new Set<net.Socket>();
  const listener = net.createServer((socket) => held.add(socket.resume().on('error', () => undefined)));
  try {
    site.configure('', 'idle-timeout 1;\n');
    await new Promise<void>((resolve) => listener.listen(30_865, silent.name, resolve));
    await server.serve();
    client.tree.write('file', 'content');
    const { code, output } = await client.run('-x', 30_000);
    assert.equal(code, 1);
    assert.match(output, /nothing happened for 1 seconds/);
    assert.equal(server.tree.read('file'), 'content');
    assert.ok(client.rows().dirty.every((row) => row.includes(silent.name)));
  } finally {
    for (const socket of held) socket.destroy();
    listener.close();
    await site.close();
  }
});

test('lock-timeout: as long as it says, and no longer', async () => {
  const site = new Site({ hosts: 2 });
  const client = site.at(0);
  try {
    site.configure('', 'lock-timeout 1;\n');
    client.tree.write('file', 'content');
    assert.equal((await client.run('-cIr /')).code, 0);
    client.tree.write('file', 'something else');
    const other = new Database(client.database);
    other.exec('BEGIN IMMEDIATE');
    const begun = performance.now();
    const { code, output } = await client.run('-cr /');
    const seconds = (performance.now() - begun) / 1000;
    other.exec('COMMIT');
    other.close();
    assert.equal(code, 1);
    assert.match(output, /is locked by another process \(waited 1 s, see lock-timeout\)/);
    assert.ok(seconds >= 1 && seconds < 8, `${seconds} s`);
    assert.equal((await client.run('-cr /')).code, 0);
    assert.equal(client.rows().dirty.length, 1);
  } finally {
    await site.close();
  }
});

describe('a link whose name and target do not fit into one line', () => {
  for (const program of ['ours', 'c'] as const) {
    test(`it is named and stays dirty, the others go on (→ ${program})`, async (t) => {
      if (!isInstalled(program)) return t.skip(`skipped: ${program} is not installed`);
      const site = new Site({ hosts: 2, programs: ['ours', program] });
      const [client, server] = [site.at(0), site.at(1)];
      try {
        site.configure();
        // Each of these bytes takes three on the wire.
        const directory = Array.from({ length: 9 }, () => ' '.repeat(200)).join('/');
        const [short, long] = ['%'.repeat(3500), '%'.repeat(4000)];
        client.tree.mkdir(directory);
        client.tree.symlink(`${directory}/fits`, short);
        client.tree.symlink(`${directory}/link`, long);
        client.tree.write('z', 'content');
        await server.serve();
        const { code, output } = await client.run('-x');
        assert.equal(code, 1);
        assert.match(output, /\/link: File name too long\nFinished with 1 errors\.\n$/);
        assert.equal(server.tree.read('z'), 'content');
        assert.equal(readlinkSync(server.tree.path(`${directory}/fits`)), short);
        assert.deepEqual(
          client.rows().dirty.map((row) => row.slice(row.lastIndexOf('/')).split(' ')[0]),
          ['/link'],
        );
      } finally {
        await site.close();
      }
    });
  }
});

describe('many that wait', () => {
  test('contents of those who are no members are not kept, logged in or not', async () => {
    const site = new Site({ hosts: 2 });
    const server = site.at(0);
    const peers: RawPeer[] = [];
    try {
      site.configure('', 'login-timeout 600;\n');
      const { pid } = await server.serve();
      const memory = (): number =>
        Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) >> 10;
      const content = Buffer.alloc(1_000_000);
      const before = memory();
      for (let at = 0; at < 200; at++) {
        const from = `127.251.1.${1 + at}`;
        const peer = await RawPeer.connect(server.name, server.port, from);
        peers.push(peer);
        await peer.ask('CONFIG ');
        if (at % 2 === 0) assert.equal(await peer.ask(`HELLO ${from}`), 'OK (cmd_finished).');
        peer.send(`XPUT ${key} %25t%25/file force 33188 0 0 1 0\noctet-stream ${content.length + 1}\n`);
        peer.send(content);
      }
      assert.ok(await until(() => peers.every(({ socket }) => socket.writableLength === 0), 20_000));
      await sleep(500);
      assert.ok(memory() - before < 100, `${memory() - before} MiB for ${peers.length} of 1 MB`);
      for (const [peer, answer] of [
        [peers[0], 'Permission denied!'],
        [peers[1], 'Dear 127.251.1.2, please identify first.'],
      ] as const) {
        peer?.send('x');
        assert.equal(await peer?.line(), answer);
        assert.equal(await peer?.ask('BYE'), 'OK (cu_later).', 'the next command is understood');
      }
    } finally {
      for (const peer of peers) peer.close();
      await site.close();
    }
  });

  test('a thousand that dribble bytes, from many addresses and from one: members get through and stay', async () => {
    const site = new Site({ hosts: 2 });
    const [server, member] = [site.at(0), site.at(1)];
    const loris: RawPeer[] = [];
    let dribble: NodeJS.Timeout | undefined;
    try {
      site.configure();
      server.tree.write('file', 'content');
      await server.run('-cIr /');
      await server.serve();
      const peer = await RawPeer.connect(server.name, server.port, member.name);
      assert.equal(await peer.logIn(member.name), 'OK (cmd_finished).');

      for (let at = 0; at < 1000; at++) {
        const from = at % 2 === 0 ? `127.251.${at % 7}.${1 + (at % 200)}` : '127.252.1.1';
        loris.push(await RawPeer.connect(server.name, server.port, from));
      }
      dribble = setInterval(() => {
        for (const each of loris) if (!each.over) each.send('C');
      }, 200);
      member.tree.write('file', 'from a member', { mtime: 1_700_000_500 });
      const { code, output } = await member.run('-x', 20_000);
      assert.equal(code, 0, output);
      assert.equal(server.tree.read('file'), 'from a member');
      assert.equal(await peer.ask(`GETSZ ${key} %25t%25/file`), 'OK (data_follows).', 'who was in stays in');
      assert.equal(await peer.line(), '13');
      const held = (): number => loris.filter(({ over }) => !over).length;
      assert.ok(await until(() => held() <= 500, 20_000), `${held()} connections are held`);
      assert.ok(await until(() => held() === 0, 30_000), `${held()} have not logged in and are still there`);
      peer.close();
    } finally {
      clearInterval(dribble);
      for (const each of loris) each.close();
      await site.close();
    }
  });
});
