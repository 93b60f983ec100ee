import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { signBytes } from '../../src/librsync/index.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';
import type { Encoded } from '../../src/bytes/bytes.ts';
import { key, peer, Serving } from './serving.ts';

const ok = 'OK (cmd_finished).\n';
const absent = `OK (path_not_found).\n---\noctet-stream 0\n${ok}`;
const emptySignature = 'rs\x016\0\0\x08\0\0\0\0\x08';
const name = (path: string): Encoded => encode(`%t%/${path}`);
const ask = (command: string, path: string, rest = ''): string => `${command} ${key} ${name(path)}${rest}\n`;
/** A delta that is one literal of at most 64 bytes. */
const literal = (text: string): string => `rs\x026${String.fromCharCode(text.length)}${text}\0`;
const blob = (bytes: string): string => `octet-stream ${bytes.length}\n${bytes}`;
const signatureBlob = (content: string): string =>
  blob(Buffer.from(signBytes(Buffer.from(content, 'latin1'))).toString('latin1'));
const receiveNew = `OK (send_data).\n${blob(emptySignature)}${ok}`;

interface Transcript {
  readonly what: string;
  readonly before?: (serving: Serving) => void | Promise<void>;
  readonly say: string;
  readonly hear: string;
  readonly after?: (serving: Serving) => void | Promise<void>;
}

function write(serving: Serving, path: string, content: string): void {
  fs.writeFileSync(join(serving.tree, path), content, { mode: 0o644 });
  fs.chmodSync(join(serving.tree, path), 0o644);
  fs.utimesSync(join(serving.tree, path), 1_700_000_000, 1_700_000_000);
}

/** As after a check that found `path` as it is. */
async function recorded(serving: Serving, path: string): Promise<void> {
  const { size } = fs.statSync(join(serving.tree, path));
  const checktxt = encode(
    `v1:mtime=1700000000:mode=33188:uid=${process.getuid?.()}:gid=${process.getgid?.()}:type=reg:size=${size}`,
  );
  await serving.store.apply([{ type: 'putFile', name: name(path), checktxt }]);
}

const read = (serving: Serving, path: string): string => fs.readFileSync(join(serving.tree, path), 'latin1');
const row = async (serving: Serving, path: string): Promise<Encoded | undefined> =>
  (await serving.store.fileRows([name(path)])).get(name(path));
const isDirty = async (serving: Serving, path: string): Promise<boolean> =>
  (await serving.store.dirtyAmong([name(path)])).has(name(path));
const owner = `${process.getuid?.()} ${process.getgid?.()}`;

const transcripts: readonly Transcript[] = [
  { what: 'SIG of nothing', say: ask('SIG', 'f'), hear: absent },
  { what: 'SIG below a directory that is not there', say: ask('SIG', 'd/f'), hear: 'Parent dir missing.\n' },
  {
    what: 'SIG below a link: nothing is told about what is behind it',
    before: (serving) => fs.symlinkSync('/etc', join(serving.tree, 'l')),
    say: ask('SIG', 'l/passwd'),
    hear: `OK (not_found).\n---\noctet-stream 0\n${ok}`,
  },
  {
    what: 'SIG of a file',
    before: (serving) => write(serving, 'f', 'hello\n'),
    say: ask('SIG', 'f'),
    hear: `OK (data_follows).\nv1:mtime=0:mode=33188:uid=${process.getuid?.()}:gid=${process.getgid?.()}:type=reg:size=6\n${signatureBlob('hello\n')}${ok}`,
  },
  {
    what: 'SIG of a directory',
    before: (serving) => {
      fs.mkdirSync(join(serving.tree, 'd'));
      fs.chmodSync(join(serving.tree, 'd'), 0o755);
    },
    say: ask('SIG', 'd'),
    hear: `OK (data_follows).\nv1:mode=16877:uid=${process.getuid?.()}:gid=${process.getgid?.()}:type=dir\noctet-stream 0\n${ok}`,
  },
  {
    what: 'PATCH of a new file: in place, with owner, mode and time, only after SETIME',
    say:
      ask('PATCH', 'f') +
      blob(literal('hello\n')) +
      ask('SETOWN', 'f', ` ${owner}`) +
      ask('SETMOD', 'f', ' 33188') +
      ask('SETIME', 'f', ' 1700000000'),
    hear: receiveNew + ok.repeat(3),
    after: async (serving) => {
      assert.equal(read(serving, 'f'), 'hello\n');
      const stats = fs.statSync(join(serving.tree, 'f'));
      assert.deepEqual([stats.mode, stats.mtimeMs], [0o100644, 1_700_000_000_000]);
      assert.match((await row(serving, 'f')) ?? '', /^v1%3Amtime=1700000000%3Amode=33188%3A.*size=6$/);
      assert.deepEqual(fs.readdirSync(serving.tree), ['f']);
    },
  },
  {
    what: 'PATCH of a file that is there: its signature is what the delta refers to',
    before: async (serving) => {
      write(serving, 'f', 'hello\n');
      await recorded(serving, 'f');
    },
    say: ask('PATCH', 'f') + blob('rs\x026E\0\x06\0') + ask('SETIME', 'f', ' 1700000009'),
    hear: `OK (send_data).\n${signatureBlob('hello\n')}${ok}${ok}`,
    after: (serving) => {
      assert.equal(read(serving, 'f'), 'hello\n');
      assert.equal(fs.statSync(join(serving.tree, 'f')).mtimeMs, 1_700_000_009_000);
    },
  },
  {
    what: 'PATCH with a delta that is none: refused, the stream stays in step, what was sent along with it too',
    before: async (serving) => {
      write(serving, 'f', 'old');
      await recorded(serving, 'f');
    },
    say: ask('PATCH', 'f') + blob('nonsense') + ask('SETMOD', 'f', ' 33261') + ask('GETSZ', 'f'),
    hear: `OK (send_data).\n${signatureBlob('old')}Invalid delta: a delta does not begin like thisThe content of this file was refused.\nOK (data_follows).\n3\n`,
    after: (serving) => {
      assert.equal(read(serving, 'f'), 'old');
      assert.equal(fs.statSync(join(serving.tree, 'f')).mode, 0o100644);
      assert.deepEqual(fs.readdirSync(serving.tree), ['f']);
    },
  },
  {
    what: 'PATCH of a file that changed here: a conflict, marked for everybody',
    before: (serving) => write(serving, 'f', 'changed here'),
    say: ask('PATCH', 'f') + ask('GETSZ', 'f'),
    hear: 'File is also marked dirty here!\nOK (data_follows).\n12\n',
    after: async (serving) => assert.ok(await isDirty(serving, 'f')),
  },
  {
    what: 'FLUSH gives way: after it the same PATCH goes through',
    before: (serving) => write(serving, 'f', 'changed here'),
    say: ask('FLUSH', 'f') + ask('PATCH', 'f') + blob(literal('theirs')),
    hear: `${ok}OK (send_data).\n${signatureBlob('changed here')}${ok}`,
    after: async (serving) => {
      assert.equal(read(serving, 'f'), 'theirs');
      assert.ok(!(await isDirty(serving, 'f')));
    },
  },
  {
    what: 'PATCH where a directory with something in it stands',
    before: async (serving) => {
      fs.mkdirSync(join(serving.tree, 'd'));
      fs.writeFileSync(join(serving.tree, 'd/in.no'), '');
    },
    say: ask('FLUSH', 'd') + ask('PATCH', 'd'),
    hear: `${ok}Directory not empty\n`,
  },
  {
    what: 'MKDIR, then a file in it',
    say: ask('MKDIR', 'd') + ask('SETMOD', 'd', ' 16877') + ask('SETIME', 'd', ' 5') + ask('SIG', 'd/f'),
    hear: ok.repeat(3) + absent,
    after: (serving) => assert.equal(fs.statSync(join(serving.tree, 'd')).mode, 0o40755),
  },
  { what: 'MKDIR without a parent', say: ask('MKDIR', 'a/b'), hear: 'Parent dir missing.\n' },
  {
    what: 'MKLINK is complete with its owner',
    say: ask('MKLINK', 'l', ' some%20where') + ask('SETOWN', 'l', ` ${owner}`),
    hear: ok + ok,
    after: (serving) => assert.equal(fs.readlinkSync(join(serving.tree, 'l')), 'some where'),
  },
  { what: 'MKSOCK makes nothing', say: ask('MKSOCK', 's') + ask('SIG', 's'), hear: ok + absent },
  {
    what: 'MKFIFO',
    say: ask('MKFIFO', 'p') + ask('SETMOD', 'p', ' 4516') + ask('SETIME', 'p', ' 7'),
    hear: ok.repeat(3),
    after: (serving) => assert.ok(fs.statSync(join(serving.tree, 'p')).isFIFO()),
  },
  {
    what: 'DEL',
    before: async (serving) => {
      write(serving, 'f', 'x');
      await recorded(serving, 'f');
    },
    say: ask('DEL', 'f') + ask('DEL', 'never there'),
    hear: ok + ok,
    after: async (serving) => {
      assert.deepEqual(fs.readdirSync(serving.tree), []);
      assert.equal(await row(serving, 'f'), undefined);
    },
  },
  {
    what: 'GETTM and GETSZ',
    before: (serving) => write(serving, 'f', 'abc'),
    say: ask('GETTM', 'f') + ask('GETSZ', 'f') + ask('GETTM', 'none'),
    hear: 'OK (data_follows).\n1700000000\nOK (data_follows).\n3\nOK (data_follows).\n-1\n',
  },
  {
    what: 'MARK',
    say: ask('MARK', 'f'),
    hear: ok,
    after: async (serving) => assert.ok(await isDirty(serving, 'f')),
  },
  {
    what: 'SETOWN, SETMOD and SETIME of nothing',
    say: ask('SETOWN', 'f', ' 0 0') + ask('SETMOD', 'f', ' 420') + ask('SETIME', 'f', ' 5'),
    hear: 'No such file or directory\n'.repeat(3),
  },
  {
    what: 'LIST: rows that are shared under the key, in order',
    before: async (serving) => {
      for (const path of ['b', 'a b', 'x.no']) write(serving, path, '1');
      for (const path of ['b', 'a b', 'x.no']) await recorded(serving, path);
    },
    say: `LIST 127.2.9.2 - ${key}\nLIST 127.2.9.2 - wrong\nLIST 127.2.9.3 - ${key}\nLIST 127.2.9.2 ${name('b')} ${key}\n`,
    hear: ['a b', 'b', undefined, undefined, undefined, 'b', undefined]
      .map((path) =>
        path === undefined
          ? ok
          : `${encode(`v1:mtime=1700000000:mode=33188:uid=${process.getuid?.()}:gid=${process.getgid?.()}:type=reg:size=1`)}\t${name(path)}\n`,
      )
      .join(''),
  },
  {
    what: 'a wrong key, a file that is not covered, names that lead elsewhere: one answer for all',
    before: (serving) => fs.writeFileSync(join(serving.root, 'outside'), 'secret'),
    say:
      `SIG wrong ${name('f')}\n` +
      ask('SIG', 'f.no') +
      ask('SIG', '../outside') +
      ask('PATCH', 'd/../../outside') +
      `SIG ${key} /etc/passwd\n` +
      ask('SIG', 'a//b') +
      ask('SIG', './a') +
      `SIG ${key}\n`,
    hear: 'Permission denied!\n'.repeat(8),
    after: (serving) => assert.equal(fs.readFileSync(join(serving.root, 'outside'), 'latin1'), 'secret'),
  },
  { what: 'an unknown command', say: 'FROB a b\nfrob\n', hear: 'Unknown command!\n'.repeat(2) },
  { what: 'any case, CRLF, leading blanks, empty lines', say: `  sig ${key} ${name('f')}\r\n\n \n`, hear: absent },
  {
    what: 'a HELLO that fails ends the first identity',
    say: `HELLO 192.0.2.1\n${ask('SIG', 'f')}HELLO ${peer}\n${ask('SIG', 'f')}`,
    hear: `Identification failed!\nDear ${peer}, please identify first.\n${ok}${absent}`,
  },
  {
    what: 'GROUP only once',
    say: `GROUP g\nGROUP g\n${ask('SIG', 'f')}`,
    hear: `${ok}Group list already set!\n${absent}`,
  },
  {
    what: 'GROUP restricts to the named groups',
    say: `GROUP other\n${ask('SIG', 'f')}`,
    hear: `${ok}Permission denied!\n`,
  },
];

describe('each command with its transcript, whole and byte by byte', () => {
  for (const { what, before, say, hear, after } of transcripts) {
    for (const piece of [Infinity, 1]) {
      test(`${what}${piece === 1 ? ', byte by byte' : ''}`, async () => {
        const serving = new Serving();
        try {
          await before?.(serving);
          const heard = await serving.talk(say, piece);
          assert.equal(heard.replace(/Invalid delta: .*\n/, 'Invalid delta: a delta does not begin like this'), hear);
          await after?.(serving);
        } finally {
          await serving.close();
        }
      });
    }
  }
});

test('a connection that is cut between content and time leaves the old file and no trace of the new one', async () => {
  const serving = new Serving();
  try {
    write(serving, 'f', 'old');
    await recorded(serving, 'f');
    const socket = await serving.connect();
    socket.resume();
    socket.write(`CONFIG \nHELLO ${peer}\n${ask('PATCH', 'f')}${blob(literal('new'))}${ask('SETMOD', 'f', ' 33188')}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    socket.destroy();
    await serving.ended();
    assert.equal(read(serving, 'f'), 'old');
    assert.deepEqual(fs.readdirSync(serving.tree), ['f']);
  } finally {
    await serving.close();
  }
});
