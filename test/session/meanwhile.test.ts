import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DiskPath, Encoded } from '../../src/bytes/bytes.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { encodedChecktxt } from '../../src/entry/checktxt.ts';
import { inspect } from '../../src/filesystem/inspect.ts';
import { contentDigest } from '../../src/protocol/contentDigest.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { buildCluster } from '../../src/groups/build.ts';
import { createLog } from '../../src/log/levelLog.ts';
import { Journal } from '../../src/scan/journal.ts';
import { Mounts } from '../../src/scan/mounts.ts';
import { recover } from '../../src/scan/recover.ts';
import type { Change, Store } from '../../src/store/store.ts';
import { until } from '../scenarios/harness/process.ts';
import { key, peer, self, Serving } from './serving.ts';

const name = encode('%t%/f');
const me = `${process.getuid?.()} ${process.getgid?.()}`;
const checktxt = (size: number, time: number) =>
  encode(`v1:mtime=${time}:mode=33188:uid=${me.replace(' ', ':gid=')}:type=reg:size=${size}`);

function write(serving: Serving, content: string, time: number): Change {
  const path = join(serving.tree, 'f');
  fs.writeFileSync(path, content);
  fs.chmodSync(path, 0o644);
  fs.utimesSync(path, time, time);
  return { type: 'putFile', name, checktxt: checktxt(content.length, time) };
}

const mark: Change = { type: 'markDirty', name, peer: encode('127.2.9.3'), myname: encode('me'), forced: false };

type Moment = (serving: Serving, happens: () => Promise<void>) => void;

/** Lets something happen once, at the moment when the session has just called this function of its store. */
function afterCall<Name extends 'dirtyAmong' | 'apply'>(
  method: Name,
  isMeant: (...args: Parameters<Store[Name]>) => boolean,
): Moment {
  return (serving, happens) => {
    const store = serving.store;
    const real = store[method].bind(store) as (...args: unknown[]) => Promise<unknown>;
    const call = async (...args: Parameters<Store[Name]>): Promise<unknown> => {
      const result = await real(...args);
      if (isMeant(...args)) {
        store[method] = real as Store[Name];
        await happens();
      }
      return result;
    };
    store[method] = call as Store[Name];
  };
}

const moments: Record<string, Moment> = {
  'when the marks were read': afterCall('dirtyAmong', () => true),
  'when what is to come was written down': afterCall('apply', (changes) =>
    changes.some(({ type }) => type === 'begin'),
  ),
};

const requests: Record<string, string> = {
  XPUT: `XPUT ${key} ${name} check 33188 ${me} 1700000000 0\noctet-stream 6\ntheirs`,
  XSET: `XSET ${key} ${name} check 41471 ${me} 1700000000 0 lnk target`,
  XDEL: `XDEL ${key} ${name} check\n`,
  DEL: `DEL ${key} ${name}\n`,
};

describe('a change that is made here while a request is being looked at', () => {
  for (const [command, request] of Object.entries(requests)) {
    for (const [when, moment] of Object.entries(moments)) {
      for (const isChecked of [false, true]) {
        test(`${command}, ${when}${isChecked ? ', and checked' : ''}: it stays, the peer hears of a conflict`, async (t) => {
          const serving = new Serving();
          t.after(() => serving.close());
          await serving.store.apply([write(serving, 'old', 1_600_000_000)]);
          moment(serving, async () => {
            const row = write(serving, 'ours', 1_600_000_100);
            if (isChecked) await serving.store.apply([row, mark, { ...mark, peer: encode(peer) }]);
          });
          const end = command === 'XSET' ? '\n' : '';
          assert.equal(
            await serving.talk(`CAPS xput\n${request}${end}`),
            `OK (caps xput).\nFile is also marked dirty here!\n`,
          );
          assert.equal(fs.readFileSync(join(serving.tree, 'f'), 'latin1'), 'ours');
        });
      }
    }
  }
});

describe('a change that is made here while a setting is about to be made in place', () => {
  const objects: Record<string, { readonly make: (path: string) => void; readonly change: (path: string) => void }> = {
    'a file': {
      make: (path) => fs.writeFileSync(path, 'old', { mode: 0o644 }),
      change: (path) => fs.writeFileSync(path, 'ours'),
    },
    'a directory': { make: (path) => fs.mkdirSync(path, 0o755), change: (path) => fs.chmodSync(path, 0o711) },
  };
  for (const [object, { make, change }] of Object.entries(objects)) {
    for (const setting of ['SETMOD 16832', `SETOWN ${me.split(' ')[0]} 7`]) {
      const [command, ...values] = setting.split(' ');
      test(`${command} of ${object}: the peer hears of a conflict, and of the change`, async (t) => {
        const serving = new Serving();
        t.after(() => serving.close());
        const path = join(serving.tree, 'f');
        make(path);
        const found = inspect(path as DiskPath);
        assert.ok(found.state === 'present');
        await serving.store.apply([
          { type: 'putFile', name, checktxt: encodedChecktxt(found.entry, { uid: false, gid: false, mod: false }) },
        ]);
        const begun = afterCall('apply', (changes) =>
          changes.some((one) => one.type === 'begin' && one.kind === 'file'),
        );
        begun(serving, async () => change(path));
        const answers = await serving.talk(`${command} ${key} ${name} ${values.join(' ')}\n`);
        assert.equal(answers, 'File is also marked dirty here!\n');
        assert.equal((await serving.store.dirtyAmong([name])).has(name), true);
      });
    }
  }
});

describe('a change that is made here while a backup of the file is made', () => {
  for (const command of ['XPUT', 'DEL'] as const) {
    test(`${command}: it stays, the peer is told to come again`, async (t) => {
      const backups = fs.mkdtempSync(join(tmpdir(), 'csync2-backups-'));
      const serving = new Serving(`backup-directory ${backups}; backup-generations 2;`);
      t.after(async () => {
        await serving.close();
        fs.rmSync(backups, { recursive: true });
      });
      write(serving, '', 1_600_000_000);
      await serving.store.apply([{ type: 'putFile', name, checktxt: checktxt(1 << 29, 1_600_000_000) }]);
      const path = join(serving.tree, 'f');
      fs.truncateSync(path, 1 << 29);
      fs.utimesSync(path, 1_600_000_000, 1_600_000_000);
      const script = `for i in $(seq 3000); do set -- ${backups}${serving.tree}/.csync2*; if [ -e "$1" ]; then printf ours >>${path}; exit 0; fi; sleep 0.01; done; exit 1`;
      const editor = spawn('sh', ['-c', script], { stdio: 'inherit' });
      const edited = once(editor, 'exit');
      const answers = await serving.talk(`CAPS xput\n${requests[command]}`);
      assert.deepEqual(await edited, [0, null]);
      assert.equal(answers, 'OK (caps xput).\nThe file has changed meanwhile.\n');
      assert.equal(fs.statSync(path).size, (1 << 29) + 4);
      assert.deepEqual(fs.readdirSync(backups + serving.tree), []);
    });
  }
});

describe('older generations that are moved on are no change that is made here', () => {
  const update = requests['XPUT'] as string;
  const done = 'OK (caps xput).\nOK (cmd_finished).\n';
  const serve = async (directory: string): Promise<Serving> => {
    const serving = new Serving(`backup-directory ${directory}; backup-generations 3;`);
    await serving.store.apply([write(serving, 'old', 1_600_000_000)]);
    return serving;
  };

  for (const request of [update, requests['DEL'] as string]) {
    const command = request.slice(0, request.indexOf(' '));

    test(`${command}: they stand beside the file`, async (t) => {
      const serving = await serve('/');
      t.after(() => serving.close());
      assert.equal(await serving.talk(`CAPS xput\n${request}`), done);
      assert.equal(fs.readFileSync(join(serving.tree, 'f.1'), 'latin1'), 'old');
      assert.equal(fs.existsSync(join(serving.tree, 'f')), request === update);
    });

    test(`${command}: one is another name of the file`, async (t) => {
      const backups = fs.mkdtempSync(join(tmpdir(), 'csync2-backups-'));
      const serving = await serve(backups);
      t.after(async () => {
        await serving.close();
        fs.rmSync(backups, { recursive: true });
      });
      fs.mkdirSync(backups + serving.tree, { recursive: true });
      fs.linkSync(join(serving.tree, 'f'), join(backups + serving.tree, 'f'));
      assert.equal(await serving.talk(`CAPS xput\n${request}`), done);
      for (const name of ['f', 'f.1'])
        assert.equal(fs.readFileSync(join(backups + serving.tree, name), 'latin1'), 'old');
    });
  }
});

test('a change that is made and marked here after a peer was told that it has the same stays marked', async (t) => {
  const serving = new Serving();
  t.after(() => serving.close());
  const mine: Change = { ...mark, peer: encode(peer) };
  await serving.store.apply([write(serving, 'same', 1_600_000_000), mine]);
  const apply = serving.store.apply.bind(serving.store);
  serving.store.apply = async (changes) => {
    if (changes.some(({ type }) => type === 'clearDirty')) {
      serving.store.apply = apply;
      await apply([write(serving, 'ours', 1_600_000_100), mine]);
    }
    await apply(changes);
  };
  const digest = contentDigest(Buffer.from('same'));
  const request = `XSET ${key} ${name} check 33188 ${me} 1600000000 0 reg 4 ${digest}\n`;
  assert.equal(await serving.talk(`CAPS xput\n${request}`), 'OK (caps xput).\nOK (same).\n');
  assert.equal((await serving.store.dirtyAmong([name])).has(name), true);
});

describe('what another session puts in place while a request is being looked at', () => {
  // Of a second that is to come: young however long this takes.
  const second = Math.floor(Date.now() / 1000) + 30;
  const stamped = (time: number): Change => ({
    type: 'noteYoung',
    name,
    stamp: String(BigInt(Math.round(time * 100)) * 10_000_000n),
  });
  const received = (serving: Serving, content: string, time: number): Change[] => [
    { ...write(serving, content, time), checktxt: checktxt(content.length, Math.floor(time)) } as Change,
    stamped(time),
  ];

  for (const [command, request] of Object.entries(requests)) {
    for (const [when, moment] of Object.entries(moments)) {
      for (const content of ['another', 'new']) {
        const row = content === 'new' ? 'the same row' : 'another row';
        test(`${command}, ${when}, with ${row}: it is replaced, as if it had been there before`, async (t) => {
          const serving = new Serving();
          t.after(() => serving.close());
          await serving.store.apply(received(serving, 'old', second + 0.25));
          moment(serving, () => serving.store.apply(received(serving, content, second + 0.75)));
          const end = command === 'XSET' ? '\n' : '';
          assert.equal(await serving.talk(`CAPS xput\n${request}${end}`), `OK (caps xput).\nOK (cmd_finished).\n`);
          assert.equal((await serving.store.dirtyAmong([name])).size, 0);
        });
      }
    }
  }

  test('again and again: the peer is told to come again, and what is behind is worked off', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    await serving.store.apply(received(serving, 'old', second));
    const dirtyAmong = serving.store.dirtyAmong.bind(serving.store);
    let times = 0;
    serving.store.dirtyAmong = async (names) => {
      const dirty = await dirtyAmong(names);
      if (names.includes(name)) await serving.store.apply(received(serving, 'another', second + 1 + times++));
      assert.ok(times < 1000);
      return dirty;
    };
    const behind = (requests['XPUT'] as string).replace(name, encode('%t%/g'));
    const answers = await serving.talk(`CAPS xput\n${requests['XPUT']}${behind}`);
    assert.equal(answers, 'OK (caps xput).\nThe file has changed meanwhile.\nOK (cmd_finished).\n');
  });

  test('and did not come to record before it was killed, with the same row: it is replaced', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    await serving.store.apply(received(serving, 'old', second + 0.25));
    write(serving, 'new', second + 0.75);
    const owner = encode('gone');
    await serving.store.apply([
      { type: 'begin', owner, kind: 'file', subject: name, checktxt: checktxt(3, second) },
      { type: 'begin', owner, kind: 'directory', subject: encode(serving.tree), checktxt: encode('1') },
    ]);
    assert.equal(await serving.talk(`CAPS xput\n${requests['XPUT']}`), 'OK (caps xput).\nOK (cmd_finished).\n');
    assert.equal((await serving.store.dirtyAmong([name])).size, 0);
  });

  test('is not under way any longer when nothing had to be put in place', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    await serving.store.apply(received(serving, 'theirs', second + 0.25));
    const socket = await serving.connect();
    const request = `XPUT ${key} ${name} check 33188 ${me} ${second} 250000000\noctet-stream 6\ntheirs`;
    socket.write(`CONFIG \nHELLO ${peer}\nCAPS xput\n${request}`);
    let answers = '';
    for await (const bytes of socket) {
      answers += String(bytes);
      if (answers.includes('(same)')) break;
    }
    assert.deepEqual(
      (await serving.store.unfinished()).filter(({ kind }) => kind === 'file'),
      [],
    );
    socket.destroy();
    await serving.ended();
  });

  const subject = `${key} ${name}`;
  const settings = `SETOWN ${subject} ${me}\nSETMOD ${subject} 33188\nSETIME ${subject} 1700000000\n`;
  const written = moments['when what is to come was written down'] as Moment;

  test('a delta that was taken: it is replaced', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    await serving.store.apply(received(serving, 'old', second + 0.25));
    written(serving, () => serving.store.apply(received(serving, 'another', second + 0.75)));
    const literal = Buffer.from('\x72\x73\x02\x36\x06theirs\0', 'latin1').toString('latin1');
    const answers = await serving.talk(`PATCH ${subject}\noctet-stream ${literal.length}\n${literal}${settings}`);
    assert.match(answers, /^OK \(send_data\)\.\n/);
    assert.ok(answers.endsWith('OK (cmd_finished).\n'.repeat(4)), answers);
    assert.equal(fs.readFileSync(join(serving.tree, 'f'), 'latin1'), 'theirs');
    assert.equal((await serving.store.dirtyAmong([name])).size, 0);
  });

  test('the time of what the peer has found the same: it is not set, and that is no conflict', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    await serving.store.apply(received(serving, 'old', second + 0.25));
    written(serving, () => serving.store.apply(received(serving, 'another', second + 0.75)));
    const answers = await serving.talk(`SIG ${subject}\nSETIME ${subject} 1700000000\n`);
    assert.ok(answers.endsWith('The file has changed meanwhile.\n'), answers);
    assert.equal(Math.floor(fs.statSync(join(serving.tree, 'f')).mtimeMs / 1000), second);
    assert.equal((await serving.store.dirtyAmong([name])).size, 0);
  });

  test('a time that is to be set, with the same row: a check does not take it for a change made here', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    await serving.store.apply(received(serving, 'old', second + 0.25));
    const announced: string[] = [];
    const begun = afterCall('apply', (changes) => changes.some((one) => one.type === 'begin' && one.kind === 'file'));
    begun(serving, async () => {
      for (const row of await serving.store.unfinished()) if (row.kind === 'file') announced.push(row.subject);
    });
    const request = `XSET ${subject} check 33188 ${me} ${second} 750000000 reg 3 ${contentDigest(Buffer.from('old'))}\n`;
    assert.equal(await serving.talk(`CAPS xput\n${request}`), 'OK (caps xput).\nOK (same).\n');
    assert.deepEqual(announced, [name]);
  });

  test('a link that was what the peer wants: it is made anew, which is written down before', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    const path = join(serving.tree, 'f');
    fs.symlinkSync('target', path);
    const found = inspect(path as DiskPath);
    assert.ok(found.state === 'present');
    const row = encodedChecktxt(found.entry, { uid: false, gid: false, mod: false });
    await serving.store.apply([{ type: 'putFile', name, checktxt: row }]);
    moments['when the marks were read']?.(serving, async () => {
      fs.rmSync(path);
      await serving.store.apply([write(serving, 'another', 1_600_000_100)]);
    });
    const announced: string[] = [];
    const begun = afterCall('apply', (changes) => changes.some((one) => one.type === 'begin' && one.kind === 'file'));
    begun(serving, async () => {
      for (const one of await serving.store.unfinished()) if (one.kind === 'file') announced.push(one.subject);
    });
    assert.equal(await serving.talk(`CAPS xput\n${requests['XSET']}\n`), 'OK (caps xput).\nOK (cmd_finished).\n');
    assert.equal(fs.readlinkSync(path), 'target');
    assert.deepEqual(announced, [name]);
  });

  test('a FIFO that is to be made: it is replaced', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    await serving.store.apply(received(serving, 'old', second + 0.25));
    moments['when what is to come was written down']?.(serving, () =>
      serving.store.apply(received(serving, 'another', second + 0.75)),
    );
    const subject = `${key} ${name}`;
    const ok = 'OK (cmd_finished).\n';
    assert.equal(
      await serving.talk(
        `MKFIFO ${subject}\nSETOWN ${subject} ${me}\nSETMOD ${subject} 4516\nSETIME ${subject} 1700000000\n`,
      ),
      ok.repeat(4),
    );
    assert.ok(fs.statSync(join(serving.tree, 'f')).isFIFO());
    assert.equal((await serving.store.dirtyAmong([name])).size, 0);
  });
});

describe('what another session has put in place and not recorded yet', () => {
  const subject = `${key} ${name}`;
  const literal = Buffer.from('\x72\x73\x02\x36\x06theirs\0', 'latin1').toString('latin1');
  const settings = `SETOWN ${subject} ${me}\nSETMOD ${subject} 33188\nSETIME ${subject} 1700000000\n`;
  const all: Record<string, string> = {
    ...requests,
    'XPUT of the same content': `XPUT ${key} ${name} check 33188 ${me} 1700000000 0\noctet-stream 7\nanother`,
    XSET: `${requests['XSET']}\n`,
    PATCH: `PATCH ${subject}\noctet-stream ${literal.length}\n${literal}${settings}`,
    MKDIR: `MKDIR ${subject}\nSETOWN ${subject} ${me}\nSETMOD ${subject} 16877\nSETIME ${subject} 1700000000\n`,
    SETOWN: `SETOWN ${subject} ${me}\n`,
    SETMOD: `SETMOD ${subject} 33152\n`,
    SETIME: `SETIME ${subject} 1700000000\n`,
  };
  /** Another session is at work; the changes with which it records. */
  const begins = async (serving: Serving): Promise<Change[]> => {
    await serving.store.apply([write(serving, 'old', 1_600_000_000)]);
    const other = new Journal();
    const row = checktxt(7, 1_600_000_100);
    await serving.store.apply(other.begin([{ name, checktxt: row, microseconds: 0 }]));
    return [write(serving, 'another', 1_600_000_100), ...other.settle()];
  };
  /** The same, and it records after a while. */
  const meets = async (serving: Serving): Promise<{ readonly recorded: Promise<void> }> => {
    const changes = await begins(serving);
    return { recorded: sleep(200).then(() => serving.store.apply(changes)) };
  };

  for (const [command, request] of Object.entries(all)) {
    test(`${command}: it is replaced once that has been recorded, and its row stays gone`, async (t) => {
      const serving = new Serving();
      t.after(() => serving.close());
      const { recorded } = await meets(serving);
      const answers = await serving.talk(`CAPS xput\n${request}`);
      await recorded;
      assert.match(answers, /OK \((cmd_finished|same)\)\.\n$/);
      const found = inspect(join(serving.tree, 'f') as DiskPath);
      const row = (await serving.store.fileRows([name])).get(name);
      const ignored = { uid: false, gid: false, mod: false };
      assert.equal(row, found.state === 'present' ? encodedChecktxt(found.entry, ignored) : undefined);
      assert.deepEqual(
        (await serving.store.unfinished()).filter(({ kind }) => kind === 'file'),
        [],
      );
    });
  }

  const states: Record<string, (path: string) => void> = {
    'a link': (path) => fs.symlinkSync('p0', path),
    nothing: () => undefined,
  };
  for (const [state, make] of Object.entries(states)) {
    test(`which is again what was there when its row was read, ${state}: it is replaced once that has been recorded`, async (t) => {
      const serving = new Serving();
      t.after(() => serving.close());
      const path = join(serving.tree, 'f');
      const rowNow = (): Encoded | undefined => {
        const found = inspect(path as DiskPath);
        const ignored = { uid: false, gid: false, mod: false };
        return found.state === 'present' ? encodedChecktxt(found.entry, ignored) : undefined;
      };
      const rowOfNow = (): Change => {
        const row = rowNow();
        return row === undefined ? { type: 'dropFile', name } : { type: 'putFile', name, checktxt: row };
      };
      make(path);
      await serving.store.apply([rowOfNow()]);
      let recorded = Promise.resolve();
      moments['when the marks were read']?.(serving, async () => {
        const first = rowOfNow();
        fs.rmSync(path, { force: true });
        await serving.store.apply([write(serving, 'another', 1_600_000_100)]);
        const other = new Journal();
        const checktxt = first.type === 'putFile' ? first.checktxt : undefined;
        await serving.store.apply(other.begin([{ name, checktxt }]));
        fs.rmSync(path);
        make(path);
        recorded = sleep(200).then(() => serving.store.apply([first, ...other.settle()]));
      });
      assert.equal(await serving.talk(`CAPS xput\n${requests['XSET']}\n`), 'OK (caps xput).\nOK (cmd_finished).\n');
      await recorded;
      assert.equal(fs.readlinkSync(path), 'target');
      assert.equal((await serving.store.fileRows([name])).get(name), rowNow());
      assert.equal((await serving.store.dirtyAmong([name])).size, 0);
    });
  }

  test('while a session has to wait for that, nobody has to wait for it', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    const { recorded } = await meets(serving);
    const before = encode('%t%/e');
    const behind = encode('%t%/g');
    const put = (file: Encoded): string =>
      `XPUT ${key} ${file} check 33188 ${me} 1700000000 0\noctet-stream 6\ntheirs\n`.slice(0, -1);
    const talk = serving.talk(`CAPS xput\n${put(before)}${put(name)}${put(behind)}`);
    await until(() => fs.existsSync(join(serving.tree, 'e')), 10_000);
    await sleep(50);
    const own = (await serving.store.unfinished()).filter(({ kind, subject }) => kind === 'file' && subject !== name);
    assert.deepEqual(own, []);
    assert.equal((await serving.store.fileRows([before])).get(before), checktxt(6, 1_700_000_000));
    assert.equal(await talk, `OK (caps xput).\n${'OK (cmd_finished).\n'.repeat(3)}`);
    await recorded;
    for (const file of ['e', 'f', 'g']) assert.equal(fs.readFileSync(join(serving.tree, file), 'latin1'), 'theirs');
  });

  for (const [command, request] of Object.entries(all)) {
    test(`${command}: a session that is told to end does not wait for that any longer`, async (t) => {
      const serving = new Serving();
      t.after(() => serving.close());
      await begins(serving);
      const socket = await serving.connect();
      socket.on('error', () => undefined).resume();
      const begin = performance.now();
      socket.write(`CONFIG \nHELLO ${peer}\nCAPS xput\n${request}`);
      await sleep(300);
      serving.stop();
      await serving.ended();
      assert.ok(performance.now() - begin < 10_000);
      assert.equal(fs.readFileSync(join(serving.tree, 'f'), 'latin1'), 'another');
    });
  }
});

test('what a process that is gone had put in place is not replaced while it is being recorded as received', async (t) => {
  const serving = new Serving();
  t.after(() => serving.close());
  await serving.store.apply([write(serving, 'old', 1_600_000_000)]);
  const placed = write(serving, 'another', 1_600_000_100);
  const row = placed.type === 'putFile' ? placed.checktxt : encode('');
  await serving.store.apply([{ type: 'begin', owner: encode('gone'), kind: 'file', subject: name, checktxt: row }]);
  let talk: Promise<string> | undefined;
  const apply = serving.store.apply.bind(serving.store);
  serving.store.apply = async (changes) => {
    if (talk === undefined && changes.some((change) => change.type === 'end' && change.owner === 'gone')) {
      talk = serving.talk(`CAPS xput\n${requests['XPUT']}`);
      await Promise.race([talk, sleep(500)]);
    }
    return apply(changes);
  };
  const config = parseConfig(join(serving.root, 'csync2.cfg'));
  const cluster = buildCluster({ config, host: self, systemDirectory: serving.root });
  const log = createLog(0, { write: () => undefined, flush: () => undefined });
  await recover(cluster, serving.store, config.ignore, await Mounts.find(cluster, serving.store), log);
  assert.equal(await talk, 'OK (caps xput).\nOK (cmd_finished).\n');
  assert.equal(fs.readFileSync(join(serving.tree, 'f'), 'latin1'), 'theirs');
  assert.equal((await serving.store.fileRows([name])).get(name), checktxt(6, 1_700_000_000));
  const left = (await serving.store.unfinished()).filter(({ kind }) => kind === 'file');
  assert.deepEqual(left, []);
});

describe('a change that is made here, with the row of what another session is putting in its place', () => {
  const second = 1_600_000_100;
  const row = checktxt(4, second);
  /** A change of ours, and what is expected of another session that is under way. */
  const meets = async (serving: Serving, microseconds: number): Promise<Journal> => {
    await serving.store.apply([write(serving, 'old', 1_600_000_000)]);
    const other = new Journal();
    await serving.store.apply(other.begin([{ name, checktxt: row, microseconds }]));
    write(serving, 'ours', second + 0.75);
    return other;
  };
  const content = (serving: Serving): string => fs.readFileSync(join(serving.tree, 'f'), 'latin1');
  const conflict = 'OK (caps xput).\nFile is also marked dirty here!\n';

  for (const [command, request] of Object.entries(requests)) {
    const all = `CAPS xput\n${request}${command === 'XSET' ? '\n' : ''}`;

    test(`${command}: it stays, the peer hears of a conflict`, async (t) => {
      const serving = new Serving();
      t.after(() => serving.close());
      await meets(serving, 250_000);
      assert.equal(await serving.talk(all), conflict);
      assert.equal(content(serving), 'ours');
    });

    test(`${command}, once the other has recorded: it stays, the peer hears of a conflict`, async (t) => {
      const serving = new Serving();
      t.after(() => serving.close());
      const other = await meets(serving, 250_000);
      const unfinished = serving.store.unfinished.bind(serving.store);
      let questions = 0;
      serving.store.unfinished = async (...args) => {
        const rows = await unfinished(...args);
        questions += 1;
        // The first is asked when the session begins.
        if (questions !== 2) return rows;
        const note: Change = { type: 'noteYoung', name, stamp: `${second}250000000` };
        await serving.store.apply([{ type: 'putFile', name, checktxt: row }, note, ...other.settle()]);
        return rows;
      };
      assert.equal(await serving.talk(all), conflict);
      assert.equal(content(serving), 'ours');
    });
  }

  test('with a time of whole seconds, as an archive has it: it stays', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    await meets(serving, 250_000);
    write(serving, 'ours', second);
    assert.equal(await serving.talk(`CAPS xput\n${requests['XPUT']}`), conflict);
    assert.equal(content(serving), 'ours');
  });

  test('is not recorded as received when that session was killed', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    const other = await meets(serving, 250_000);
    other.close();
    assert.equal(await serving.talk(`CAPS xput\n${requests['XPUT']}`), conflict);
    assert.equal(content(serving), 'ours');
  });
});

test('what a session has put in place is recorded before it makes a large file of a small one and its delta', async (t) => {
  const serving = new Serving();
  t.after(() => serving.close());
  const large = join(serving.tree, 'large');
  fs.writeFileSync(large, '');
  fs.truncateSync(large, 1 << 20);
  const found = inspect(large as DiskPath);
  assert.ok(found.state === 'present');
  const ignored = { uid: false, gid: false, mod: false };
  // Copies of all of it, with an offset of one byte and a length of four.
  const delta = `\x72\x73\x02\x36${'\x47\0\0\x10\0\0'.repeat(512)}\0`;
  const subject = `${key} ${encode('%t%/large')}`;
  await serving.store.apply([
    { type: 'putFile', name: encode('%t%/large'), checktxt: encodedChecktxt(found.entry, ignored) },
    write(serving, 'old', 1_600_000_000),
  ]);
  const talk = serving.talk(`CAPS xput\n${requests['XPUT']}PATCH ${subject}\noctet-stream ${delta.length}\n${delta}`);
  const isUnderWay = (): boolean => {
    const staged = fs.readdirSync(serving.tree).find((base) => base.startsWith('.csync2.'));
    return staged !== undefined && fs.statSync(join(serving.tree, staged)).blocks > 0;
  };
  assert.ok(await until(isUnderWay, 20_000));
  const unfinished = (await serving.store.unfinished()).filter(({ kind }) => kind === 'file');
  assert.ok(isUnderWay());
  assert.deepEqual(unfinished, []);
  assert.match(await talk, /OK \(cmd_finished\)\.\n$/);
});

test('a row that a change made here gets when it meets a request is noted, too: the next change in that second is found', async (t) => {
  const serving = new Serving();
  t.after(() => serving.close());
  await serving.store.apply([write(serving, 'old', 1_600_000_000)]);
  const second = Math.floor(Date.now() / 1000) + 30;
  write(serving, 'ours', second);
  assert.equal(
    await serving.talk(`CAPS xput\n${requests['XPUT']}`),
    'OK (caps xput).\nFile is also marked dirty here!\n',
  );
  assert.deepEqual([...(await serving.store.young([name])).values()], [`${second}000000000`]);
});

describe('what a session has put in place that was killed after this one had begun', () => {
  const row = checktxt(7, 1_600_000_100);
  /** Its name is no temporary name of a process that is there. */
  const die = async (serving: Serving): Promise<void> => {
    const begun: Change = { type: 'begin', owner: encode('gone'), kind: 'file', subject: name, checktxt: row };
    await serving.store.apply([begun]);
    write(serving, 'another', 1_600_000_100);
  };
  const isRecorded = async (serving: Serving): Promise<void> => {
    const found = inspect(join(serving.tree, 'f') as DiskPath);
    assert.ok(found.state === 'present');
    const now = encodedChecktxt(found.entry, { uid: false, gid: false, mod: false });
    assert.equal((await serving.store.fileRows([name])).get(name), now);
    assert.deepEqual(
      (await serving.store.unfinished()).filter(({ kind }) => kind === 'file'),
      [],
    );
  };

  test('is recorded, also when the peer has the same', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    await serving.store.apply([write(serving, 'old', 1_600_000_000)]);
    moments['when the marks were read']?.(serving, () => die(serving));
    const request = `XPUT ${key} ${name} check 33188 ${me} 1600000100 500000000\noctet-stream 7\nanother`;
    assert.equal(await serving.talk(`CAPS xput\n${request}`), 'OK (caps xput).\nOK (same).\n');
    await isRecorded(serving);
  });

  test('is replaced once whoever finishes that has recorded it', async (t) => {
    const serving = new Serving();
    t.after(() => serving.close());
    await serving.store.apply([write(serving, 'old', 1_600_000_000)]);
    const apply = serving.store.apply.bind(serving.store);
    const slow = async (changes: readonly Change[]): Promise<void> => {
      if (changes.some(({ type }) => type === 'putFile')) await sleep(500);
      await apply(changes);
    };
    const slowStore = new Proxy(serving.store, {
      get: (store, property: keyof Store) => (property === 'apply' ? slow : store[property].bind(store)),
    });
    let finished: Promise<void> | undefined;
    moments['when the marks were read']?.(serving, async () => {
      await die(serving);
      finished = serving.recover(slowStore);
      await sleep(100);
    });
    assert.equal(await serving.talk(`CAPS xput\n${requests['XPUT']}`), 'OK (caps xput).\nOK (cmd_finished).\n');
    await finished;
    await isRecorded(serving);
  });
});

test('what a session has put in place and could not record, since the database failed once, is no change made here', async (t) => {
  const serving = new Serving();
  t.after(() => serving.close());
  await serving.store.apply([write(serving, 'old', 1_600_000_000)]);
  const apply = serving.store.apply.bind(serving.store);
  serving.store.apply = (changes) => {
    if (!changes.some(({ type }) => type === 'putFile')) return apply(changes);
    serving.store.apply = apply;
    return Promise.reject(new Error('database is locked'));
  };
  const socket = await serving.connect();
  socket.resume();
  socket.write(`CONFIG \nHELLO ${peer}\nCAPS xput\n${requests['XPUT']}`);
  await serving.ended();
  assert.ok(serving.log.some((line) => line.includes('database is locked')));
  assert.equal(fs.readFileSync(join(serving.tree, 'f'), 'latin1'), 'theirs');
  assert.equal((await serving.store.fileRows([name])).get(name), checktxt(6, 1_700_000_000));
  assert.deepEqual(await serving.store.unfinished(), []);
});
