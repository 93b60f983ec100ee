import assert from 'node:assert/strict';
import fs from 'node:fs';
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
import { afterCall, checktxt, me, type Moment, moments, name, requests, write } from './moments.ts';

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
