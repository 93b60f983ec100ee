import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { contentDigest } from '../../src/protocol/contentDigest.ts';
import { isRoot } from '../scenarios/harness/programs.ts';
import { RawPeer } from './harness/rawPeer.ts';
import { FaultHost, key, Site } from './harness/site.ts';

const secret = 'what nobody outside may ever see';
/** Milliseconds. */
const racingTime = process.env['LONG_TESTS'] === undefined ? 3000 : 60_000;
const emptyDelta = Buffer.from([0x72, 0x73, 0x02, 0x36, 0]);

let site: Site;
let victim: FaultHost;
let member: FaultHost;
let slave: FaultHost;

before(async () => {
  site = new Site({ hosts: 3 });
  victim = site.at(0);
  member = site.at(1);
  slave = site.at(2);
  const config = `nossl * *;
prefix t { on ${victim.name}: ${victim.tree.root}; }
prefix p { on ${victim.name}: ${victim.root}/elsewhere; }
group g { host ${victim.name} ${member.name} (${slave.name}); key k; include %t%; exclude %t%/private; exclude *.secret; }
group h { host ${victim.name} ${slave.name}; key other; include %p%/only; }
`;
  fs.mkdirSync(join(victim.root, 'elsewhere/only'), { recursive: true });
  victim.configure(config);
  victim.tree.mkdir('dir');
  victim.tree.write('dir/file', 'content');
  victim.tree.mkdir('private');
  victim.tree.write('private/file', secret);
  victim.tree.write('x.secret', secret);
  fs.writeFileSync(join(victim.root, 'outside'), secret);
  victim.tree.symlink('link', '..');
  victim.tree.symlink('linkfile', '../outside');
  victim.tree.symlink('dir/up', '../..');
  await victim.run('-cIr /');
  await victim.serve();
});

after(() => site.close());

async function enter(as: string = member.name, from: string = as): Promise<RawPeer> {
  const peer = await RawPeer.connect(victim.name, victim.port, from);
  assert.equal(await peer.ask('CONFIG '), 'OK (cmd_finished).');
  assert.equal(await peer.ask(`HELLO ${as}`), 'OK (cmd_finished).');
  return peer;
}

/** Everything that is not synchronized: files and their metadata. */
function outside(): string[] {
  const look = (path: string): string => {
    const { mode, uid, gid, mtimeMs } = fs.lstatSync(path);
    return `${path} ${mode} ${uid} ${gid} ${mtimeMs}`;
  };
  return [
    look(join(victim.root, 'outside')),
    fs.readFileSync(join(victim.root, 'outside'), 'latin1'),
    look(join(victim.tree.root, 'private')),
    look(join(victim.tree.root, 'private/file')),
    fs.readFileSync(join(victim.tree.root, 'private/file'), 'latin1'),
    look(join(victim.tree.root, 'x.secret')),
    fs.readdirSync(victim.root).sort().join(' '),
    fs.readdirSync(join(victim.root, 'elsewhere')).join(' '),
    fs.readdirSync(join(victim.tree.root, 'private')).join(' '),
  ];
}

const simple = ['SIG', 'TYPE', 'GETTM', 'GETSZ', 'MARK', 'FLUSH', 'DEL', 'PATCH', 'MKDIR', 'MKFIFO', 'MKSOCK'];
const withArguments = [
  'MKCHR K F 259',
  'MKBLK K F 259',
  'MKLINK K F /etc',
  'SETOWN K F 0 0',
  'SETMOD K F 511',
  'SETIME K F 1',
  'XDEL K F force',
  'XSET K F force 16877 0 0 1 0 dir',
  'XSET K F force 36863 0 0 1 0 lnk /etc/passwd',
  'XSET K F check 33188 0 0 1 0 fifo',
  `XSET K F force 33188 0 0 1 0 reg ${secret.length} ${contentDigest(Buffer.from(secret))}`,
  'XPUT K F force 35309 0 0 1 0\noctet-stream 4\nmine',
];
const commands = [...simple.map((name) => `${name} K F`), ...withArguments];

/** The answer to one command on a connection of its own, its delta sent along if it wants one. */
async function attempt(command: string, as: string = member.name): Promise<string> {
  const peer = await enter(as);
  try {
    const first = (await peer.ask(command)) ?? '(end)';
    if (command.startsWith('PATCH') && first === 'OK (send_data).') {
      await peer.blob();
      peer.send(`octet-stream ${emptyDelta.length}\n`);
      peer.send(emptyDelta);
      await peer.line();
    }
    peer.send('BYE\n');
    return first + '\n' + (await peer.rest());
  } finally {
    peer.close();
  }
}

describe('names that lead out of what is shared', () => {
  const spellings = (): string[] => [
    '%25t%25/../outside',
    '%25t%25/dir/../../outside',
    '%25T%25/../outside',
    '%25t%25//file',
    '%25t%25/./file',
    '%25t%25/dir/..',
    '%25t%25/%2e%2e/outside',
    '%25t%25/%2E%2E%2Foutside',
    '%25t%25/..%2foutside',
    '%25t%25..',
    '%25t%25outside',
    '%25nosuch%25/file',
    '%25%25/file',
    '%t%/../outside',
    '../outside',
    'outside',
    '',
    '%00',
    '%25t%25/dir/file%00.txt',
    '%25t%25/dir/%00',
    `${victim.root}/outside`,
    `${victim.tree.root}/../outside`,
    '/etc/passwd',
    '/',
    '%25t%25/private/file',
    '%25t%25/private',
    '%25t%25/x.secret',
    '%25p%25/only/file',
    '%25t%25/' + 'a'.repeat(256),
    '%25t%25' + '/a'.repeat(2100),
  ];

  for (const command of commands) {
    test(`${command.slice(0, command.indexOf('\n') >>> 0)} answers each of them with a refusal, and nothing changes`, async () => {
      const untouched = outside();
      const peer = await enter();
      for (const name of spellings()) {
        const words = command.replace(' K', ` ${key}`).replace(' F', ` ${name}`);
        const answer = (await peer.ask(words)) ?? '(end)';
        assert.match(answer, /^(Permission denied!|Invalid argument: .*)$/, `${words}`);
      }
      assert.equal(await peer.ask('BYE'), 'OK (cu_later).');
      peer.close();
      assert.deepEqual(outside(), untouched);
    });
  }

  test('a link on the way is as good as nothing there, a final one is itself', async () => {
    const untouched = outside();
    for (const name of ['%25t%25/link/outside', '%25t%25/dir/up/outside', '%25t%25/link/tree/private/file']) {
      for (const command of commands) {
        const answer = await attempt(command.replace(' K', ` ${key}`).replace(' F', ` ${name}`));
        assert.ok(!answer.includes(secret), `${command} ${name}`);
        assert.doesNotMatch(answer, /^type=reg|size=32/m, `${command} ${name}: ${answer}`);
        assert.deepEqual(outside(), untouched, `${command} ${name}`);
      }
    }
    for (const command of ['TYPE', 'SIG', 'GETSZ']) {
      const answer = await attempt(`${command} ${key} %25t%25/linkfile`);
      assert.ok(!answer.includes(secret) && !answer.includes('32\n'), `${command}: ${answer}`);
    }
    for (const command of ['SETMOD', 'SETIME', 'SETOWN']) {
      await attempt(`${command} ${key} %25t%25/linkfile 7 7`);
      assert.deepEqual(outside(), untouched, command);
    }
  });

  test('LIST tells of nothing but the files of the groups whose keys it has', async () => {
    const peer = await enter();
    const listed = async (words: string): Promise<string[]> => {
      peer.send(`LIST ${words}\n`);
      const lines: string[] = [];
      for (;;) {
        const line = (await peer.line()) ?? '(end)';
        if (!line.includes('\t')) return [...lines, line];
        lines.push(decodeURIComponent(line.split('\t')[1] ?? ''));
      }
    };
    const all = await listed(`${victim.name} - ${key}`);
    assert.ok(all.includes('%t%/dir/file'), all.join());
    assert.equal(all.at(-1), 'OK (cmd_finished).');
    for (const name of all.slice(0, -1)) assert.match(name, /^%t%(\/(?!private|x\.secret).*)?$/);
    for (const wrong of ['o'.repeat(40), '-', '%00', `${'k'.repeat(39)} ${key}k`]) {
      assert.deepEqual(await listed(`${victim.name} - ${wrong}`), ['OK (cmd_finished).'], wrong);
    }
    for (const name of spellings()) {
      const answer = await listed(`${victim.name} ${name} ${key}`);
      assert.ok(
        answer.length === 1 && /^(OK \(cmd_finished\)\.|Permission denied!)$/.test(answer[0] ?? ''),
        `${name}: ${answer.join()}`,
      );
    }
    peer.close();
  });

  test('a process that swaps directories and files for links all the time gains nothing', async () => {
    const untouched = outside();
    victim.tree.mkdir('swap');
    victim.tree.write('swap/outside', 'inside');
    const racer = spawn(process.execPath, ['-e', racing()], { cwd: victim.tree.root, stdio: 'ignore' });
    const check = (what: string, answer: string): void => {
      assert.ok(!answer.includes(secret) && !answer.includes(`size=${secret.length}`), `${what}: ${answer}`);
      assert.equal(fs.readFileSync(join(victim.root, 'outside'), 'latin1'), secret, what);
    };
    try {
      const end = Date.now() + racingTime;
      for (let at = 0; at < commands.length || Date.now() < end; at++) {
        const command = commands[at % commands.length] as string;
        for (const file of ['swap/outside', 'flip']) {
          check(`${command} ${file}`, await attempt(about(command, file)));
        }
        if (at % commands.length === 0) check('one session', await session(['swap/outside', 'flip']));
      }
    } finally {
      await ended(racer);
    }
    for (const name of victim.tree.names().filter((name) => /^(swap|flip)/.test(name)))
      fs.rmSync(join(victim.tree.root, name), { recursive: true, force: true });
    assert.deepEqual(outside(), untouched);
    assert.deepEqual(victim.leftovers(), []);
  });

  test('a hard link to a file outside is replaced, the file outside stays as it is', async () => {
    const untouched = outside();
    const replacing = [
      `PATCH ${key} %25t%25/hard`,
      `XPUT ${key} %25t%25/hard force 35309 7 7 1 0\noctet-stream 4\nmine`,
      `XSET ${key} %25t%25/hard force 41471 0 0 1 0 lnk elsewhere`,
      `MKFIFO ${key} %25t%25/hard`,
      `DEL ${key} %25t%25/hard`,
    ];
    for (const command of replacing) {
      fs.linkSync(join(victim.root, 'outside'), join(victim.tree.root, 'hard'));
      await victim.run(`-cI ${victim.tree.root}/hard`);
      assert.match(await attempt(command), /^OK/, command);
      assert.deepEqual(outside(), untouched, command);
      fs.rmSync(join(victim.tree.root, 'hard'), { force: true });
      await victim.run(`-cI ${victim.tree.root}/hard`);
    }
  });

  test('owner and mode of a hard link to a file outside are not set, since they are those of the file outside', async () => {
    const untouched = outside();
    fs.linkSync(join(victim.root, 'outside'), join(victim.tree.root, 'hard'));
    try {
      await victim.run(`-cI ${victim.tree.root}/hard`);
      for (const command of ['SETMOD K F 36863', 'SETOWN K F 7 7']) {
        assert.match(await attempt(about(command, 'hard')), /^The file has other names \(hard links\)/, command);
        assert.deepEqual(outside(), untouched, command);
      }
      const peer = await enter();
      for (const command of ['MKDIR K F', 'SETOWN K F 7 7', 'SETMOD K F 36863', 'SETIME K F 1']) {
        assert.equal(await peer.ask(about(command, 'hard')), 'OK (cmd_finished).', 'what was made anew is set');
      }
      peer.close();
      assert.deepEqual(outside(), untouched);
    } finally {
      fs.rmSync(join(victim.tree.root, 'hard'), { recursive: true, force: true });
      await victim.run(`-cI ${victim.tree.root}/hard`);
    }
  });
});

const about = (command: string, file: string): string =>
  command.replace(' K', ` ${key}`).replace(' F', ` %25t%25/${file}`);

/** All commands but those that need an answer of their own, many times, in one session, sent ahead. */
async function session(files: readonly string[]): Promise<string> {
  const peer = await enter();
  for (let round = 0; round < 10; round++) {
    for (const command of commands.filter((one) => !/^(PATCH|TYPE)/.test(one))) {
      for (const file of files) peer.send(about(command, file) + '\n');
    }
  }
  peer.send('BYE\n');
  const answers = await peer.rest(60_000);
  peer.close();
  return answers;
}

/**
 * `swap` is now a directory, now a link to the one above; `flip` now a file, now a link to one outside. Nothing here writes
 * through a link that it has made itself, whatever the session has put in its way.
 */
const racing = (): string => `
const fs = require('fs');
const remove = (name) => { try { fs.rmSync(name, { recursive: true, force: true }); } catch {} };
const put = (make) => { try { make('flip.new'); fs.renameSync('flip.new', 'flip'); } catch { remove('flip'); remove('flip.new'); } };
for (const end = Date.now() + ${racingTime + 20_000}; Date.now() < end;) {
  try { fs.renameSync('swap', 'swap.dir'); fs.symlinkSync('..', 'swap'); } catch {}
  put((name) => fs.symlinkSync('../outside', name));
  try { fs.unlinkSync('swap'); } catch {}
  try { fs.renameSync('swap.dir', 'swap'); } catch {}
  put((name) => fs.writeFileSync(name, 'inside', { flag: 'wx' }));
}`;

async function ended(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

describe('who may do what', () => {
  test('the key of another group, a wrong key, no key: nothing is told, not even whether the file exists', async () => {
    for (const name of ['%25t%25/dir/file', '%25t%25/dir/nofile', '%25t%25/nodir/file']) {
      for (const wrong of ['o'.repeat(40), 'k'.repeat(39), key + 'k', '-', '%00']) {
        for (const command of commands) {
          const peer = await enter();
          const answer = await peer.ask(command.replace(' K', ` ${wrong}`).replace(' F', ` ${name}`));
          assert.equal(answer, 'Permission denied!', `${command} ${wrong}`);
          peer.close();
        }
      }
    }
  });

  test('a host that is in no group gets nowhere, with the right key', async () => {
    const stranger = '127.250.250.250';
    for (const command of commands) {
      const peer = await enter(stranger);
      const answer = await peer.ask(command.replace(' K', ` ${key}`).replace(' F', ' %25t%25/dir/file'));
      assert.equal(answer, 'Permission denied!', command);
      assert.equal(await peer.ask(`LIST ${victim.name} - ${key}`), 'OK (cmd_finished).');
      peer.close();
    }
  });

  test('a slave may not change anything', async () => {
    const before = victim.tree.snapshot();
    for (const command of commands) {
      if (/^(TYPE|GETTM|GETSZ|SIG)/.test(command)) continue;
      const answer = await attempt(command.replace(' K', ` ${key}`).replace(' F', ' %25t%25/dir/file'), slave.name);
      assert.match(answer, /^Permission denied for slave!/, command);
    }
    assert.deepEqual(victim.tree.snapshot(), before);
    await victim.run('-cIr /');
    fs.rmSync(victim.database, { force: true });
    await victim.run('-cIr /');
  });

  test('a name that does not resolve to the address that one comes from', async () => {
    const peer = await RawPeer.connect(victim.name, victim.port, '127.250.250.251');
    await peer.ask('CONFIG ');
    for (const name of [
      member.name,
      'localhost',
      '',
      '%00',
      'a'.repeat(3000),
      '127.0.0.0/8',
      '*',
      '127.250.250.251 x',
    ]) {
      const answer = await peer.ask(`HELLO ${name}`);
      if (name.startsWith('127.250')) continue;
      assert.equal(answer, 'Identification failed!', name);
      assert.match(
        (await peer.ask(`SIG ${key} %25t%25/dir/file`)) ?? '',
        /^Dear 127\.250\.250\.251, please identify first/,
      );
    }
    peer.close();
  });

  test('a second HELLO replaces the first, and one that fails leaves nobody', async () => {
    const peer = await enter();
    assert.equal(await peer.ask('HELLO 127.250.250.250'), 'Identification failed!');
    assert.match((await peer.ask(`SIG ${key} %25t%25/dir/file`)) ?? '', /^Dear /);
    assert.equal(await peer.ask(`HELLO ${member.name}`), 'OK (cmd_finished).');
    assert.equal(await peer.ask(`GETSZ ${key} %25t%25/dir/file`), 'OK (data_follows).');
    peer.close();
  });

  test('neither encryption nor another configuration later on', async () => {
    const peer = await enter();
    for (const late of ['SSL', 'CONFIG ', 'CONFIG other', 'octet-stream 3', 'CAPS']) {
      assert.match((await peer.ask(late)) ?? '', /^(Unknown command!|OK \(cmd_finished\)\.|OK \(caps)/i, late);
    }
    assert.equal(await peer.ask(`SIG ${'o'.repeat(40)} %25t%25/dir/file`), 'Permission denied!');
    assert.equal(await peer.ask('BYE'), 'OK (cu_later).');
    assert.equal(await peer.rest(), '');
    peer.close();
  });

  test('GROUP counts once, and unknown groups are nothing', async () => {
    const peer = await enter();
    assert.equal(await peer.ask('GROUP nosuch'), 'OK (cmd_finished).');
    assert.equal(await peer.ask('GROUP g'), 'Group list already set!');
    assert.equal(await peer.ask(`SIG ${key} %25t%25/dir/file`), 'Permission denied!');
    peer.close();
  });
});

describe('nonsense on the wire', () => {
  test('commands before their time', async () => {
    for (const first of [
      `SIG ${key} %25t%25/dir/file`,
      `HELLO ${member.name}`,
      'BYE',
      'GROUP g',
      'octet-stream 5',
      '\x00\x01',
      'GET / HTTP/1.1',
    ]) {
      const peer = await RawPeer.connect(victim.name, victim.port, member.name);
      assert.equal(await peer.ask(first), 'Expecting SSL (optional) and CONFIG as first commands.', first);
      assert.equal(await peer.rest(), '');
      peer.close();
    }
    for (const name of ['../x', 'A', 'a/b', '%00', 'a'.repeat(5000)]) {
      const peer = await RawPeer.connect(victim.name, victim.port, member.name);
      const answer = (await peer.ask(`CONFIG ${name}`)) ?? '';
      assert.doesNotMatch(answer, /^OK/, name);
      peer.close();
    }
  });

  test('numbers that are none, or too large, or negative', async () => {
    const before = victim.tree.snapshot();
    const odd = [
      '-1',
      '99999999999999999999',
      '1e3',
      '0x10',
      '',
      'NaN',
      '-',
      '4294967296',
      '-99999999999999999999',
      '1%00',
    ];
    const peer = await enter();
    for (const number of odd) {
      for (const command of ['SETMOD', 'MKCHR', 'MKBLK']) {
        const answer = await peer.ask(`${command} ${key} %25t%25/dir/new${command} ${number}`);
        assert.ok(answer !== undefined, `${command} ${number}`);
      }
      const answer = await peer.ask(`SETOWN ${key} %25t%25/dir/file2 ${number} 99999999999`);
      assert.match(answer ?? '', /^Invalid argument/, number);
      for (const words of [
        `XSET ${key} %25t%25/dir/x check ${number} 0 0 1 0 dir`,
        `XSET ${key} %25t%25/dir/x check 33188 ${number} 99999999999 1 0 fifo`,
        `XSET ${key} %25t%25/dir/x check 33188 0 0 1 ${number}9999999999 fifo`,
        `XSET ${key} %25t%25/dir/x check 33188 0 0 1 0 reg ${number} ${number}`,
        `XSET ${key} %25t%25/dir/x check 33188 0 0 1 0 chr ${number}9999999999`,
      ]) {
        assert.match((await peer.ask(words)) ?? '', /^Invalid argument/, words);
      }
      const time = await peer.ask(`SETIME ${key} %25t%25/dir/file2 ${number}`);
      assert.ok(time !== undefined, number);
    }
    assert.equal(await peer.ask('BYE'), 'OK (cu_later).');
    peer.close();
    victim.tree.remove('dir/newMKCHR');
    victim.tree.remove('dir/newMKBLK');
    fs.rmSync(victim.database);
    await victim.run('-cIr /');
    assert.deepEqual(victim.tree.snapshot(), before);
  });

  test('blobs whose length is a lie end the session or the file, never the server', async () => {
    for (const header of [
      'octet-stream -2',
      'octet-stream 99999999999999999999',
      'octet-stream 1e9',
      'octet-stream',
      'ERROR',
      'BYE',
      '',
      '\x00',
    ]) {
      const peer = await enter();
      await peer.ask(`PATCH ${key} %25t%25/dir/blob`);
      await peer.blob();
      peer.send(header + '\n');
      const answer = await peer.line();
      assert.doesNotMatch(answer ?? '', /^OK/, header);
      peer.close();
    }
    for (const bytes of [
      Buffer.alloc(100_000, 0x41),
      Buffer.from('rs\x026'),
      Buffer.from([0x72, 0x73, 2, 0x36, 0x48, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]),
    ]) {
      const peer = await enter();
      await peer.ask(`PATCH ${key} %25t%25/dir/blob`);
      await peer.blob();
      peer.send(`octet-stream ${bytes.length}\n`);
      peer.send(bytes);
      assert.match((await peer.line()) ?? '', /^Invalid delta/);
      assert.equal(await peer.ask('BYE'), 'OK (cu_later).');
      peer.close();
    }
    const peer = await enter();
    await peer.ask(`PATCH ${key} %25t%25/dir/blob`);
    await peer.blob();
    peer.send('octet-stream 1000000000000000\n');
    peer.send(Buffer.alloc(100_000));
    peer.close();
    await quiet();
    assert.deepEqual(victim.leftovers(), []);
    assert.equal(victim.tree.names().includes('dir/blob'), false);
  });

  test('lines without an end, and bytes that mean nothing', async () => {
    const long = await enter();
    long.send(Buffer.alloc(200_000, 0x41));
    assert.match(await long.rest(), /^Line too long/);
    long.close();
    for (const junk of [
      '\0\0\0\n',
      'SIG\n',
      'SIG \n',
      `SIG ${key}\n`,
      '\xff\xfe\n',
      'LIST\n',
      'PATCH\n',
      '%\n',
      '\t\n\r\n',
    ]) {
      const peer = await enter();
      peer.send(junk);
      assert.equal((await peer.ask('BYE'))?.includes('OK (data'), false);
      peer.close();
    }
    for (const half of ['C', 'CONF', 'SSL', 'SSL\nCONFIG', 'CONFIG \nHEL']) {
      const peer = await RawPeer.connect(victim.name, victim.port, member.name);
      peer.send(half);
      peer.close();
    }
  });

  test('random bytes after a good beginning never bring it down', async () => {
    let seed = 12345;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    const words = [
      ...simple,
      'LIST',
      'GROUP',
      'HELLO',
      'SETOWN',
      'CONFIG',
      'octet-stream',
      key,
      '%25t%25/dir/fuzz',
      '-1',
      '0',
      '\n',
      ' ',
      '\0',
      '%',
      'BYE',
    ];
    for (let trial = 0; trial < 60; trial++) {
      const peer = await enter();
      for (let at = random(20); at >= 0; at--)
        peer.send(`${words[random(words.length)] ?? ''}${random(3) === 0 ? '\n' : ' '}`);
      peer.socket.end('\n');
      await peer.rest();
      peer.close();
    }
    assert.notEqual(victim.server, undefined, 'the server is gone');
    assert.equal(victim.log.includes('TypeError'), false, victim.log.slice(-2000));
  });

  test(
    'special files and set-id bits arrive as they are, whole',
    { skip: !isRoot && 'skipped: needs root' },
    async () => {
      const peer = await enter();
      assert.equal(await peer.ask(`PATCH ${key} %25t%25/suid`), 'OK (send_data).');
      await peer.blob();
      peer.send(`octet-stream ${emptyDelta.length}\n`);
      peer.send(emptyDelta);
      assert.equal(await peer.line(), 'OK (cmd_finished).');
      assert.equal(victim.tree.names().includes('suid'), false);
      await peer.ask(`SETOWN ${key} %25t%25/suid 1234 1234`);
      await peer.ask(`SETMOD ${key} %25t%25/suid ${0o104755}`);
      assert.equal(victim.tree.names().includes('suid'), false, 'nothing shows before it is whole');
      await peer.ask(`SETIME ${key} %25t%25/suid 1`);
      const { mode, uid } = fs.lstatSync(join(victim.tree.root, 'suid'));
      assert.deepEqual([mode & 0o7777, uid], [0o4755, 1234]);
      await peer.ask(`DEL ${key} %25t%25/suid`);
      peer.close();
    },
  );
});

async function quiet(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 300));
}
