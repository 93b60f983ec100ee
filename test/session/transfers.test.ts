import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Encoded } from '../../src/bytes/bytes.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { contentDigest, contentLimit } from '../../src/protocol/contentDigest.ts';
import { key, peer, Serving } from './serving.ts';

const done = 'OK (cmd_finished).\n';
const same = 'OK (same).\n';
const conflict = 'File is also marked dirty here!\n';
const name = (path: string): Encoded => encode(`%t%/${path}`);
const ask = (command: string, path: string, rest: string): string => `${command} ${key} ${name(path)} ${rest}\n`;
const me = `${process.getuid?.()} ${process.getgid?.()}`;
const attributes = `33188 ${me} 1700000000 123456789`;
const directory = `16877 ${me} 1700000000 0 dir`;
const blob = (content: string): string => `octet-stream ${content.length}\n${content}`;
const put = (path: string, content: string, how = 'check'): string =>
  ask('XPUT', path, `${how} ${attributes}`) + blob(content);
const digest = (content: string): string => contentDigest(Buffer.from(content, 'latin1'));
const named = (path: string, content: string, mode = 33188): string =>
  ask('XSET', path, `check ${mode} ${me} 1700000000 123456789 reg ${content.length} ${digest(content)}`);

/** Counts as the present for a while. */
const soon = Math.floor(Date.now() / 1000) + 30;

function write(serving: Serving, path: string, content: string): void {
  const at = join(serving.tree, path);
  fs.writeFileSync(at, content);
  fs.chmodSync(at, 0o644);
  fs.utimesSync(at, 1_600_000_000, 1_600_000_000);
}

/** As after a check that found `path` as it is. */
async function recorded(serving: Serving, path: string): Promise<void> {
  const { size } = fs.statSync(join(serving.tree, path));
  const [uid, gid] = me.split(' ');
  const checktxt = encode(`v1:mtime=1600000000:mode=33188:uid=${uid}:gid=${gid}:type=reg:size=${size}`);
  await serving.store.apply([{ type: 'putFile', name: name(path), checktxt }]);
}

async function old(serving: Serving): Promise<void> {
  write(serving, 'f', 'old');
  await recorded(serving, 'f');
}

const read = (serving: Serving, path: string): string => fs.readFileSync(join(serving.tree, path), 'latin1');
const stat = (serving: Serving, path: string): fs.BigIntStats =>
  fs.lstatSync(join(serving.tree, path), { bigint: true });
const row = async (serving: Serving, path: string): Promise<string | undefined> =>
  (await serving.store.fileRows([name(path)])).get(name(path));
const isDirty = async (serving: Serving, path: string): Promise<boolean> =>
  (await serving.store.dirtyAmong([name(path)])).has(name(path));
const inode = new WeakMap<Serving, bigint>();

interface Transcript {
  readonly what: string;
  readonly before?: (serving: Serving) => void | Promise<void>;
  readonly say: string;
  readonly hear: string;
  readonly after?: (serving: Serving) => void | Promise<void>;
}

const transcripts: readonly Transcript[] = [
  { what: 'CAPS tells which of the wanted extensions are spoken', say: 'CAPS xput what\n', hear: 'OK (caps xput).\n' },
  { what: 'CAPS of nothing known', say: 'CAPS what\n', hear: 'OK (caps).\n' },
  {
    what: 'a new file arrives whole, with owner, mode and the fraction of its time',
    say: put('f', 'hello'),
    hear: done,
    after: async (serving) => {
      assert.equal(read(serving, 'f'), 'hello');
      assert.equal(stat(serving, 'f').mode & 0o7777n, 0o644n);
      assert.equal(stat(serving, 'f').mtimeNs / 1000n, 1_700_000_000_123_456n);
      assert.match((await row(serving, 'f')) ?? '', /^v1%3Amtime=1700000000%3Amode=33188.*size=5$/);
      assert.equal(await isDirty(serving, 'f'), false);
      assert.ok(serving.log.includes(`Updated %t%/f from ${peer}.`));
    },
  },
  {
    what: 'a changed file replaces the old one',
    before: old,
    say: put('f', 'new'),
    hear: done,
    after: (serving) => assert.equal(read(serving, 'f'), 'new'),
  },
  {
    what: 'content that is here already gets the time, keeps its inode, and is no update',
    before: async (serving) => {
      await old(serving);
      inode.set(serving, stat(serving, 'f').ino);
    },
    say: put('f', 'old') + named('f', 'old'),
    hear: same + same,
    after: async (serving) => {
      assert.equal(stat(serving, 'f').ino, inode.get(serving));
      assert.equal(stat(serving, 'f').mtimeNs / 1000n, 1_700_000_000_123_456n);
      assert.match((await row(serving, 'f')) ?? '', /mtime=1700000000/);
      assert.deepEqual(serving.log, []);
    },
  },
  {
    what: 'what is noted as young is forgotten once the peer has set its time, however old the file is',
    before: async (serving) => {
      for (const file of ['kept', 'set', 'sent']) {
        write(serving, file, 'old');
        await recorded(serving, file);
        await serving.store.apply([{ type: 'noteYoung', name: name(file), stamp: '1600000000000000000' }]);
      }
    },
    say: named('kept', 'old') + named('set', 'old', 0o100600) + put('sent', 'new'),
    hear: same + done + done,
    after: async (serving) => assert.deepEqual(await serving.store.young(), new Map()),
  },
  {
    what: 'a file that is as the peer has it is noted as young as before',
    before: async (serving) => {
      await old(serving);
      await serving.store.apply([{ type: 'noteYoung', name: name('f'), stamp: '1600000000987654321' }]);
    },
    say: ask('XSET', 'f', `check 33188 ${me} 1600000000 0 reg 3 ${digest('old')}`),
    hear: same,
    after: async (serving) => assert.equal((await serving.store.young()).size, 1),
  },
  {
    what: 'the content of a request that is refused for what it says is taken off the stream: no command in it is obeyed',
    before: old,
    say:
      `XPUT ${key} f check ${attributes}\n${blob('BYE\nBYE\n')}` +
      `xput ${key} ${name('f')} check ${attributes} ${'x '.repeat(1100)}\n${blob('BYE\n')}` +
      `XPUT ${key}\n${blob(ask('XDEL', 'f', 'force'))}` +
      `XPUT ${key} ${name('f')} maybe ${attributes}\n${blob('')}` +
      `XPUT ${key} ${name('f')} check ${attributes.replace('33188', 'x')}\noctet-stream -1\n` +
      put('g', 'new'),
    hear:
      'Permission denied!\nToo many arguments (more than 1024).\nPermission denied!\n' +
      'Invalid argument: XPUT needs a valid check or force.\nThe content of this file was refused.\n' +
      done,
    after: (serving) => assert.equal(read(serving, 'f') + read(serving, 'g'), 'oldnew'),
  },
  {
    what: 'what has the time of this moment is noted as it stands there: what is done to it in the same second is a change',
    before: (serving) => {
      for (const file of ['kept', 'set', 'content', 'there']) write(serving, file, 'old');
      fs.utimesSync(join(serving.tree, 'there'), soon, soon + 0.25);
    },
    say:
      ask('XSET', 'kept', `check 33188 ${me} ${soon} 123456789 reg 3 ${digest('old')}`) +
      ask('SETIME', 'set', String(soon)) +
      ask('XPUT', 'content', `force 33188 ${me} ${soon} 987654321`) +
      blob('new') +
      ask('XPUT', 'new', `check 33188 ${me} ${soon} 0`) +
      blob('new') +
      ask('XSET', 'there', `check 33188 ${me} ${soon} 250000000 reg 3 ${digest('old')}`),
    hear: same + done + done + done + same,
    after: async (serving) => {
      const files = ['kept', 'set', 'content', 'new', 'there'];
      const stamps = new Map(files.map((file) => [name(file), String(stat(serving, file).mtimeNs)]));
      assert.deepEqual(await serving.store.young(), stamps);
      assert.deepEqual(
        [...stamps.values()].map((stamp) => Number(BigInt(stamp) - BigInt(soon) * 1_000_000_000n)),
        [123456000, 0, 987654000, 0, 250000000],
      );
    },
  },
  {
    what: 'a file that was changed once more within the second in which it was recorded is a conflict, as its peers know it',
    before: async (serving) => {
      const [uid, gid] = me.split(' ');
      for (const file of ['put', 'deleted', 'untouched', 'forced']) {
        write(serving, file, 'old');
        fs.utimesSync(join(serving.tree, file), soon, soon + 0.25);
        const checktxt = encode(`v1:mtime=${soon}:mode=33188:uid=${uid}:gid=${gid}:type=reg:size=3`);
        const stamp = String(stat(serving, file).mtimeNs - (file === 'untouched' ? 0n : 1_000_000n));
        await serving.store.apply([
          { type: 'putFile', name: name(file), checktxt },
          { type: 'noteYoung', name: name(file), stamp },
        ]);
      }
    },
    say: put('put', 'new') + ask('DEL', 'deleted', '') + put('untouched', 'new') + put('forced', 'new', 'force'),
    hear: conflict + conflict + done + done,
    after: async (serving) => {
      assert.equal(read(serving, 'put') + read(serving, 'deleted'), 'oldold');
      const dirty = await Promise.all(['put', 'deleted', 'untouched', 'forced'].map((file) => isDirty(serving, file)));
      assert.deepEqual(dirty, [true, true, false, false]);
    },
  },
  {
    what: 'an identical file is no conflict, even when it is dirty here: the peer need not hear of it any more',
    before: (serving) =>
      serving.store
        .apply([{ type: 'markDirty', name: name('f'), peer: encode(peer), myname: encode('x'), forced: false }])
        .then(() => write(serving, 'f', 'old')),
    say: named('f', 'old'),
    hear: same,
    after: async (serving) => assert.equal(await isDirty(serving, 'f'), false),
  },
  {
    what: 'named content that differs, or is not there, is asked for',
    before: async (serving) => {
      await old(serving);
      fs.mkdirSync(join(serving.tree, 'd'));
    },
    say: named('f', 'new') + named('g', 'new') + ask('XSET', 'd/big', `check ${attributes} reg 9999999 ${digest('')}`),
    hear: 'OK (send_data).\nOK (path_not_found).\nOK (path_not_found).\n',
    after: (serving) => assert.equal(read(serving, 'f'), 'old'),
  },
  {
    what: 'metadata alone needs no content, and the new file is in place at once',
    before: async (serving) => {
      await old(serving);
      inode.set(serving, stat(serving, 'f').ino);
    },
    say: named('f', 'old', 0o100600),
    hear: done,
    after: (serving) => {
      assert.equal(stat(serving, 'f').mode & 0o7777n, 0o600n);
      assert.notEqual(stat(serving, 'f').ino, inode.get(serving));
      assert.equal(read(serving, 'f'), 'old');
      assert.deepEqual(serving.log, [`Updated %t%/f from ${peer}.`]);
    },
  },
  {
    what: 'directories, links and what is below go out in one breath',
    say:
      ask('XSET', 'd', `check ${directory}`) +
      put('d/f', 'x') +
      ask('XSET', 'd/l', `check 41471 ${me} 0 0 lnk to%20there`) +
      ask('XSET', 'd/p', `check 4516 ${me} 1700000000 0 fifo`) +
      ask('XSET', 'd', `check ${directory}`),
    hear: done + done + done + done + same,
    after: (serving) => {
      assert.equal(read(serving, 'd/f'), 'x');
      assert.equal(fs.readlinkSync(join(serving.tree, 'd/l')), 'to there');
      assert.ok(stat(serving, 'd/p').isFIFO());
    },
  },
  {
    what: 'a directory that is here gets the metadata and keeps what is in it',
    before: (serving) => {
      fs.mkdirSync(join(serving.tree, 'd'), 0o700);
      write(serving, 'd/f', 'x');
      const [uid, gid] = me.split(' ');
      const checktxt = encode(`v1:mode=16832:uid=${uid}:gid=${gid}:type=dir`);
      return serving.store.apply([{ type: 'putFile', name: name('d'), checktxt }]);
    },
    say: ask('XSET', 'd', `check ${directory}`) + put('d', 'a file'),
    hear: `${done}Directory not empty\n`,
    after: (serving) => assert.equal(stat(serving, 'd').mode & 0o7777n, 0o755n),
  },
  {
    what: 'a file that changed here unnoticed is a conflict, is marked, and stays',
    before: (serving) => write(serving, 'f', 'mine'),
    say: put('f', 'theirs') + named('f', 'theirs') + ask('XDEL', 'f', 'check'),
    hear: conflict + conflict + conflict,
    after: async (serving) => {
      assert.equal(read(serving, 'f'), 'mine');
      assert.equal(await isDirty(serving, 'f'), true);
    },
  },
  {
    what: 'force overrules',
    before: (serving) => write(serving, 'f', 'mine'),
    say: put('f', 'theirs', 'force') + put('f', 'theirs', 'force'),
    hear: done + done,
    after: async (serving) => {
      assert.equal(read(serving, 'f'), 'theirs');
      assert.equal(await isDirty(serving, 'f'), false);
    },
  },
  {
    what: 'deletions, also of what is gone and what never was',
    before: old,
    say: ask('XDEL', 'f', 'check') + ask('XDEL', 'f', 'check') + ask('XDEL', 'd/f', 'check'),
    hear: `${done}OK (not_found).\nParent dir missing.\n`,
    after: async (serving) => {
      assert.equal(fs.existsSync(join(serving.tree, 'f')), false);
      assert.equal(await row(serving, 'f'), undefined);
    },
  },
  {
    what: 'one name several times: each request finds what the one before it left',
    say: put('f', '1') + ask('XDEL', 'f', 'check') + put('f', '22') + named('f', '22') + put('f', '333'),
    hear: done + done + done + same + done,
    after: (serving) => assert.equal(read(serving, 'f'), '333'),
  },
  {
    what: 'what was sent step by step is in place before a transfer of the same file',
    say: `MKLINK ${key} ${name('f')} away\n${put('f', 'x')}`,
    hear: done + done,
    after: (serving) => assert.equal(read(serving, 'f'), 'x'),
  },
  { what: 'nothing is put below what is missing', say: put('d/f', 'x'), hear: 'Parent dir missing.\n' },
  {
    what: 'nothing is put, named or removed below a link',
    before: (serving) => {
      fs.mkdirSync(join(serving.root, 'outside'));
      fs.writeFileSync(join(serving.root, 'outside/f'), 'theirs');
      fs.symlinkSync('../outside', join(serving.tree, 'l'));
    },
    say: put('l/f', 'x') + named('l/f', 'theirs') + ask('XDEL', 'l/f', 'check'),
    hear: `${'A parent directory is a symbolic link, which is not followed!\n'.repeat(2)}OK (not_found).\n`,
    after: (serving) => assert.equal(fs.readFileSync(join(serving.root, 'outside/f'), 'latin1'), 'theirs'),
  },
  {
    what: 'what is refused by its name, its key or its arguments takes its content with it',
    say:
      put('x.no', 'SIG a b\n') +
      `XPUT wrong ${name('f')} check ${attributes}\n${blob('SIG a b\n')}` +
      `XPUT ${key} ${encode('%t%/../f')} check ${attributes}\n${blob('BYE\n')}` +
      `XPUT ${key} ${name('f')} check 1 2\n${blob('BYE\n')}` +
      `XPUT\n${blob('BYE\n')}` +
      `XPUT ${key} ${name('f')} check ${attributes}\noctet-stream -1\n` +
      put('f', 'good'),
    hear:
      'Permission denied!\nPermission denied!\nPermission denied!\n' +
      'Invalid argument: XPUT needs a valid uid and gid.\nPermission denied!\n' +
      `The content of this file was refused.\n${done}`,
    after: (serving) => assert.deepEqual(fs.readdirSync(serving.tree), ['f']),
  },
  {
    what: 'content beyond the limit is dropped and the conversation goes on',
    say: put('f', 'x'.repeat(contentLimit + 1)) + put('g', 'y'.repeat(contentLimit)),
    hear: `The content is too large to be sent whole.\n${done}`,
    after: (serving) => assert.deepEqual(fs.readdirSync(serving.tree), ['g']),
  },
];

test('a file that becomes another while what is to replace it is written stays', async (t) => {
  const serving = new Serving();
  t.after(() => serving.close());
  write(serving, 'f', 'old');
  await recorded(serving, 'f');
  fs.writeFileSync(join(serving.root, 'mine'), 'mine');
  const writeSync = fs.writeSync as (...args: unknown[]) => number;
  const mock = t.mock.method(fs, 'writeSync', (...args: unknown[]) => {
    mock.mock.restore();
    fs.renameSync(join(serving.root, 'mine'), join(serving.tree, 'f'));
    return writeSync(...args);
  });
  assert.equal(await serving.talk(put('f', 'new')), 'The file has changed meanwhile.\n');
  assert.deepEqual(fs.readdirSync(serving.tree), ['f']);
  assert.equal(fs.readFileSync(join(serving.tree, 'f'), 'latin1'), 'mine');
});

test('a file that becomes another once it was looked at is not deleted', async (t) => {
  const serving = new Serving();
  t.after(() => serving.close());
  for (const command of ['XDEL', 'DEL']) {
    write(serving, 'f', 'old');
    await recorded(serving, 'f');
    const mine = join(serving.root, 'mine');
    fs.writeFileSync(mine, 'mine');
    const look = fs.lstatSync as (...args: unknown[]) => unknown;
    let looks = 0;
    const mock = t.mock.method(fs, 'lstatSync', (...args: unknown[]) => {
      const found = look(...args);
      // The last look but one.
      if (String(args[0]).endsWith('/f') && ++looks === (command === 'XDEL' ? 1 : 2))
        fs.renameSync(mine, join(serving.tree, 'f'));
      return found;
    });
    const said = await serving.talk(ask(command, 'f', command === 'XDEL' ? 'check' : ''));
    mock.mock.restore();
    assert.equal(said, 'The file has changed meanwhile.\n', command);
    assert.equal(fs.readFileSync(join(serving.tree, 'f'), 'latin1'), 'mine', command);
  }
});

test('nobody else can read a file before it has its owner and its mode', async (t) => {
  const serving = new Serving();
  t.after(() => serving.close());
  const modes: number[] = [];
  const write = fs.writeSync as (...args: unknown[]) => number;
  t.mock.method(fs, 'writeSync', (fd: number, ...rest: unknown[]) => {
    modes.push(fs.fstatSync(fd).mode & 0o777);
    return write(fd, ...rest);
  });
  const owners = process.geteuid?.() === 0 ? [me, '7 7'] : [me];
  const cases = owners.flatMap((owner) => [0o100600, 0o100640, 0o104755, 0o100644].map((mode) => ({ owner, mode })));
  for (const [at, { owner, mode }] of cases.entries()) {
    modes.length = 0;
    const said = await serving.talk(ask('XPUT', `f${at}`, `check ${mode} ${owner} 1700000000 0`) + blob('secret'));
    assert.equal(said, done);
    assert.equal(fs.statSync(join(serving.tree, `f${at}`)).mode, mode);
    assert.ok(modes.length > 0);
    // What everybody may read in the end and is ours may be so from the beginning.
    const open = owner === me ? mode & 0o777 : 0;
    for (const early of modes)
      assert.equal(early & 0o077 & ~open, 0, `${early.toString(8)} ${mode.toString(8)} ${owner}`);
  }
});

describe('one request a file', () => {
  for (const { what, before, say, hear, after } of transcripts) {
    // Byte by byte where that takes no time.
    for (const piece of say.length < 2000 ? [Infinity, 1] : [Infinity]) {
      test(`${what}${piece === 1 ? ', byte by byte' : ''}`, async (t) => {
        const serving = new Serving();
        t.after(() => serving.close());
        await before?.(serving);
        assert.equal(await serving.talk(say, piece), hear);
        await after?.(serving);
        assert.deepEqual(
          fs.readdirSync(serving.tree).filter((entry) => entry.endsWith('.tmp')),
          [],
        );
      });
    }
  }

  for (const cut of [3, 40, 100]) {
    test(`a connection that breaks after ${cut} bytes of a request leaves the old file and nothing else`, async (t) => {
      const serving = new Serving();
      t.after(() => serving.close());
      await old(serving);
      const socket = await serving.connect();
      const request = put('f', 'n'.repeat(5000));
      socket.write(`CONFIG \nHELLO ${peer}\n${request.slice(0, request.indexOf('octet') + cut)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      socket.destroy();
      await serving.ended();
      assert.equal(read(serving, 'f'), 'old');
      assert.deepEqual(fs.readdirSync(serving.tree), ['f']);
    });
  }

  test('a command where content is due ends the session, and its key is not told on', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    const request = ask('XPUT', 'f', `check ${attributes}`) + ask('SIG', 'f', '');
    assert.equal(await serving.talk(request), `Expected content, got 'SIG KEY ${name('f')} '.\n`);
    assert.ok(serving.log.some((line) => line.includes('Expected content')));
    assert.equal(serving.log.join('\n').includes(key), false);
  });

  test('so does one where a delta is due', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    await serving.talk(ask('PATCH', 'f', '') + ask('SIG', 'f', ''));
    assert.ok(serving.log.some((line) => line.includes(`expected a delta, got 'SIG KEY ${name('f')} '`)));
    assert.equal(serving.log.join('\n').includes(key), false);
  });

  test('contents that arrive in pieces, in several sessions at once, with waits in the middle, are not mixed up', async (t) => {
    const sizes = Array.from({ length: 120 }, (_, at) => (at % 9 === 0 ? contentLimit - at : (at * at * 977) % 70_000));
    const bodies = (seed: number): string[] =>
      sizes.map((size, at) => `${seed}.${at},`.repeat(Math.ceil(size / 3)).slice(0, size));
    const sessions = [1, 2, 3].map((seed) => ({ serving: new Serving(), contents: bodies(seed), seed }));
    t.after(() => Promise.all(sessions.map(({ serving }) => serving.close())));
    await Promise.all(
      sessions.map(async ({ serving, contents, seed }) => {
        const requests = contents.map((content, at) => put(`f${at}`, content)).join('');
        // The last one is for a file that an earlier one of the same batch is for.
        const answers = await serving.talk(`CAPS xput\n${requests}${put('f119', 'again')}`, 40_009, (piece) =>
          piece % 7 === seed ? 12 : 0,
        );
        assert.equal(answers, 'OK (caps xput).\n' + done.repeat(contents.length + 1));
      }),
    );
    for (const { serving, contents } of sessions) {
      contents[119] = 'again';
      for (const [at, content] of contents.entries()) assert.ok(read(serving, `f${at}`) === content, `f${at}`);
    }
  });

  test('content for nobody: who has not identified is answered, and the stream stays in step', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    const socket = await serving.connect();
    const received: Buffer[] = [];
    socket.on('data', (bytes) => received.push(bytes));
    socket.write(`CONFIG \n${put('f', 'BYE\n')}CAPS xput\nBYE\n`);
    await serving.ended();
    assert.match(
      Buffer.concat(received).toString('latin1'),
      /^OK \(cmd_finished\)\.\nDear 127\.2\.9\.1, please identify first\.\nOK \(caps xput\)\.\nOK \(cu_later\)\.\n$/,
    );
    assert.deepEqual(fs.readdirSync(serving.tree), []);
  });
});
