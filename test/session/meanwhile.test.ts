import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { contentDigest } from '../../src/protocol/contentDigest.ts';
import type { Change, Store } from '../../src/store/store.ts';
import { key, peer, Serving } from './serving.ts';

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
