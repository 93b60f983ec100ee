import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { DiskPath } from '../../src/bytes/bytes.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { encodedChecktxt } from '../../src/entry/checktxt.ts';
import { inspect } from '../../src/filesystem/inspect.ts';
import { contentDigest } from '../../src/protocol/contentDigest.ts';
import { Journal } from '../../src/scan/journal.ts';
import type { Change } from '../../src/store/store.ts';
import { key, peer, Serving } from './serving.ts';
import { afterCall, checktxt, mark, me, moments, name, requests, write } from './moments.ts';

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
