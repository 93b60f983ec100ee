import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DiskPath, Encoded, FileName } from '../../src/bytes/bytes.ts';
import { decode, encode } from '../../src/bytes/urlEncoding.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { encodedChecktxt } from '../../src/entry/checktxt.ts';
import { stampOf } from '../../src/entry/young.ts';
import { inspect } from '../../src/filesystem/inspect.ts';
import { buildCluster } from '../../src/groups/build.ts';
import type { Cluster } from '../../src/groups/cluster.ts';
import { createLog } from '../../src/log/levelLog.ts';
import { Check, type CheckOptions } from '../../src/scan/check.ts';
import { Journal } from '../../src/scan/journal.ts';
import { Mounts } from '../../src/scan/mounts.ts';
import { openSqlite } from '../../src/store/sqlite/sqlite.ts';
import { allNames, type Store } from '../../src/store/store.ts';

let root: string;
let tree: string;
let store: Store;
let cluster: Cluster;
/** Messages of checks, as with -v. */
const said: string[] = [];

function configure(lines: string): void {
  fs.writeFileSync(join(root, 'csync2.cfg'), `prefix t { on *: ${tree}; }\n${lines}`);
  const config = parseConfig(join(root, 'csync2.cfg'));
  cluster = buildCluster({ config, host: 'me', systemDirectory: root });
}

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'csync2-scan-')));
  tree = join(root, 'tree');
  fs.mkdirSync(tree);
  fs.writeFileSync(join(root, 'key'), 'k'.repeat(40) + '\n', { mode: 0o600 });
  store = openSqlite(join(root, 'state.db3'), { lockTimeout: 5, unsafe: true, smallTransactions: false });
  configure('group g { host me you; key key; include %t%; exclude *.no; }');
});

afterEach(async () => {
  await store.close();
  fs.rmSync(root, { recursive: true, force: true });
});

async function check(path = tree, options: Partial<CheckOptions> = {}, on = store): Promise<void> {
  const log = createLog(1, { write: (_, prefix, message) => said.push(prefix + message), flush: () => undefined });
  const mounts = await Mounts.find(cluster, store);
  const all: CheckOptions = { recursive: true, init: false, forced: false, mounts, ...options };
  await new Check(cluster, on, { uid: false, gid: false, mod: false }, log, all).run(path as DiskPath);
}

/** The store, with something that happens the first time that a check asks it for this, or the first time after `after`. */
function whenAsked(question: keyof Store, happens: () => void, after?: keyof Store): Store {
  let isAsked = false;
  let isDue = after === undefined;
  return new Proxy(store, {
    get: (target, name) => {
      isDue ||= name === after;
      if (name === question && isDue && !isAsked) {
        isAsked = true;
        happens();
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function rows(): Promise<string[]> {
  const names: string[] = [];
  for await (const page of store.files(allNames)) names.push(...page.names.map(decode));
  return names;
}

async function dirty(): Promise<string[]> {
  const names: string[] = [];
  for await (const page of store.dirty({})) {
    names.push(...page.map(({ name, peer, forced }) => `${decode(name)} ${peer}${forced ? ' forced' : ''}`));
  }
  return names;
}

async function clean(): Promise<void> {
  for await (const page of store.dirty({}))
    await store.apply(page.map(({ name }) => ({ type: 'clearAllDirty', name })));
}

describe('a recursive check', () => {
  test('records and marks what is new, in the order of encoded names, and nothing the next time', async () => {
    for (const name of ['a', 'a.txt', 'a b', 'z.no']) fs.writeFileSync(join(tree, name), '');
    said.length = 0;
    fs.mkdirSync(join(tree, 'd'));
    fs.writeFileSync(join(tree, 'd/f'), '');
    await check();
    const expected = ['%t%', '%t%/a', '%t%/a b', '%t%/a.txt', '%t%/d', '%t%/d/f'];
    assert.deepEqual(await rows(), expected);
    assert.deepEqual(
      await dirty(),
      expected.map((name) => `${name} you`),
    );
    assert.deepEqual(
      said,
      expected.map((name) => `Marking file as dirty: ${name}`),
    );
    await clean();
    await check();
    assert.deepEqual(await dirty(), []);
  });

  test('notices a change of time, size, mode and kind, and what is gone with everything below', async () => {
    for (const name of ['time', 'size', 'mode', 'kind', 'same']) fs.writeFileSync(join(tree, name), 'x');
    fs.mkdirSync(join(tree, 'gone'));
    fs.writeFileSync(join(tree, 'gone/f'), '');
    await check();
    await clean();
    fs.utimesSync(join(tree, 'time'), 5, 5);
    fs.writeFileSync(join(tree, 'size'), 'xy');
    fs.chmodSync(join(tree, 'mode'), 0o600);
    fs.rmSync(join(tree, 'kind'));
    fs.symlinkSync('same', join(tree, 'kind'));
    fs.rmSync(join(tree, 'gone'), { recursive: true });
    await check();
    assert.deepEqual(
      await dirty(),
      ['gone', 'gone/f', 'kind', 'mode', 'size', 'time'].map((name) => `%t%/${name} you`),
    );
    assert.deepEqual(await rows(), ['%t%', '%t%/kind', '%t%/mode', '%t%/same', '%t%/size', '%t%/time']);
  });

  test('leaves rows alone that the patterns no longer cover', async () => {
    fs.writeFileSync(join(tree, 'x.no'), '');
    const name = encode('%t%/x.no');
    await store.apply([{ type: 'putFile', name, checktxt: encode('v1:type=dir') }]);
    await check();
    assert.deepEqual(await rows(), ['%t%', '%t%/x.no']);
  });

  test('a directory that was replaced by a link counts as gone, and the link as new', async () => {
    fs.mkdirSync(join(tree, 'd'));
    fs.writeFileSync(join(tree, 'd/f'), '');
    await check();
    await clean();
    fs.renameSync(join(tree, 'd'), join(root, 'elsewhere'));
    fs.symlinkSync(join(root, 'elsewhere'), join(tree, 'd'));
    await check();
    assert.deepEqual(await dirty(), ['%t%/d you', '%t%/d/f you']);
    assert.deepEqual(await rows(), ['%t%', '%t%/d']);
  });

  test(
    'what cannot be read is neither there nor gone',
    { skip: process.getuid?.() === 0 && 'skipped: root reads everything' },
    async () => {
      fs.mkdirSync(join(tree, 'd'));
      fs.writeFileSync(join(tree, 'd/f'), '');
      await check();
      await clean();
      fs.chmodSync(join(tree, 'd'), 0);
      await check();
      fs.chmodSync(join(tree, 'd'), 0o755);
      assert.ok((await rows()).includes('%t%/d/f'));
    },
  );
});

describe('the options of a check', () => {
  test('init records without marking, also what is gone', async () => {
    fs.writeFileSync(join(tree, 'f'), '');
    await check(tree, { init: true });
    fs.rmSync(join(tree, 'f'));
    await check(tree, { init: true });
    assert.deepEqual(await rows(), ['%t%']);
    assert.deepEqual(await dirty(), []);
  });

  test('forced marks win the next conflict', async () => {
    await check(tree, { forced: true });
    assert.deepEqual(await dirty(), ['%t% you forced']);
  });

  test('without recursion only the path itself is looked at', async () => {
    fs.mkdirSync(join(tree, 'd'));
    fs.writeFileSync(join(tree, 'd/f'), '');
    await check(join(tree, 'd'), { recursive: false });
    assert.deepEqual(await rows(), ['%t%/d']);
  });

  test('directories that hold or are something covered are named once each', async () => {
    fs.mkdirSync(join(tree, 'd/empty'), { recursive: true });
    fs.writeFileSync(join(tree, 'd/f'), '');
    const named: string[] = [];
    await check(tree, { onDirectory: (name) => named.push(name) });
    assert.deepEqual(named.sort(), ['%t%', '%t%/d', '%t%/d/empty']);
  });
});

describe('a file that is changed once more within the second that a check has recorded', () => {
  const file = (): string => join(tree, 'f');
  const seconds = (): number => Math.floor(fs.statSync(file()).mtimeMs / 1000);

  /** Calls `begin` and then `change`, as often as it takes for both to happen in one second; what is marked in between is cleaned up. */
  async function withinOneSecond(begin: () => Promise<void>, change: () => void): Promise<void> {
    for (let patience = 50; patience > 0; patience--) {
      fs.writeFileSync(file(), `one ${patience % 10}`);
      const second = seconds();
      await begin();
      await clean();
      await sleep(10); // the kernel's clock ticks
      change();
      if (seconds() === second) return;
      await check();
      await clean();
    }
    assert.fail('never within a second');
  }
  const rewrite = (): void => fs.writeFileSync(file(), 'two 2');

  test('is marked by the next check, once', async () => {
    await withinOneSecond(check, rewrite);
    await check();
    assert.deepEqual(await dirty(), ['%t%/f you']);
    await clean();
    await check();
    assert.deepEqual(await dirty(), []);
  });

  test('is marked when the clock of its file system is behind ours by a second', async () => {
    const put = (text: string, time: number): void => {
      fs.writeFileSync(file(), text);
      fs.utimesSync(file(), time, time);
    };
    const secondBefore = (): number => Math.floor(Date.now() / 1000) - 1;
    let isWithin = false;
    for (let patience = 50; !isWithin && patience > 0; patience--) {
      const second = secondBefore();
      put('one 1', second + 0.25);
      await check();
      isWithin = secondBefore() === second;
      await clean();
      put('two 2', second + 0.75);
    }
    assert.ok(isWithin);
    await check();
    assert.deepEqual(await dirty(), ['%t%/f you']);
  });

  test('is found by a check of its own, recorded by one, and with -I it is only noted', async () => {
    const own = (): Promise<void> => check(file(), { recursive: false });
    await check();
    await clean();
    await withinOneSecond(own, rewrite);
    await own();
    assert.deepEqual(await dirty(), ['%t%/f you']);
    await clean();
    await withinOneSecond(() => check(tree, { init: true }), rewrite);
    await check(tree, { init: true });
    await check();
    assert.deepEqual(await dirty(), []);
  });

  test('is marked when it comes after the check has looked, before that second is over', async () => {
    let isWithin = false;
    for (let patience = 50; !isWithin && patience > 0; patience--) {
      // Nothing is known of it, so that the first question for rows comes right after the look at it.
      fs.rmSync(file(), { force: true });
      await check();
      await clean();
      fs.writeFileSync(file(), `one ${patience % 10}`);
      const second = seconds();
      const asked = whenAsked('fileRows', () => {
        rewrite();
        isWithin = seconds() === second;
        while (Date.now() < (second + 1) * 1000 + 50);
      });
      await check(file(), { recursive: false }, asked);
      await clean();
    }
    assert.ok(isWithin);
    await check();
    assert.deepEqual(await dirty(), ['%t%/f you']);
  });

  test('is marked when it comes after what is noted was looked at, before the walk', async () => {
    const twice = async (): Promise<void> => {
      await check();
      await sleep(10);
      await check(tree, {}, whenAsked('fileLines', rewrite));
    };
    await withinOneSecond(twice, () => undefined);
    await check();
    assert.deepEqual(await dirty(), ['%t%/f you']);
    await clean();
    await check();
    assert.deepEqual(await dirty(), []);
  });

  test('is marked when the file was changed in between, before it was recorded, too', async () => {
    fs.writeFileSync(file(), '');
    fs.utimesSync(file(), 1_700_000_000, 1_700_000_000);
    await check();
    const grow = (): void => fs.writeFileSync(file(), 'longer');
    const overtaken = (): Promise<void> => check(tree, {}, whenAsked('unfinished', grow));
    await withinOneSecond(overtaken, () => fs.writeFileSync(file(), 'other '));
    await check();
    assert.deepEqual(await dirty(), ['%t%/f you']);
  });

  test('is marked when a session had put it in place while the check went on', async () => {
    fs.writeFileSync(file(), 'old');
    fs.utimesSync(file(), 1_700_000_000, 1_700_000_000);
    await check();
    const receiveAndChange = (): void => {
      // Early in a second, and not so early that the kernel's clock is still in the one before.
      const isEarly = (moment: number): boolean => moment > 50 && moment < 700;
      while (!isEarly(Date.now() % 1000));
      fs.writeFileSync(file(), 'one 1');
      const { state, ...found } = inspect(file() as DiskPath);
      assert.ok(state === 'present' && 'entry' in found);
      const checktxt = encodedChecktxt(found.entry, { uid: false, gid: false, mod: false });
      const name = encode('%t%/f');
      void store.apply([
        { type: 'putFile', name, checktxt },
        { type: 'noteYoung', name, stamp: stampOf(found.entry) },
      ]);
      for (const until = Date.now() + 20; Date.now() < until;);
      rewrite();
    };
    await check(tree, {}, whenAsked('fileLines', receiveAndChange));
    await clean();
    await check();
    assert.deepEqual(await dirty(), ['%t%/f you']);
    await clean();
    await check();
    assert.deepEqual(await dirty(), []);
  });

  /** As a session does it: what is to come is written down, put in place, and recorded with its stamp. */
  class Receiving {
    readonly #name = encode('%t%/f');
    readonly #journal = new Journal();

    /** What stands there now, but for the time within its second. */
    announce(microseconds: number): Promise<void> {
      const { checktxt } = this.#found();
      return store.apply(this.#journal.begin([{ name: this.#name, checktxt, microseconds }]));
    }

    record(): Promise<void> {
      const { checktxt, stamp } = this.#found();
      return store.apply([
        { type: 'putFile', name: this.#name, checktxt },
        { type: 'noteYoung', name: this.#name, stamp },
        ...this.#journal.settle(),
      ]);
    }

    isKilled(): void {
      this.#journal.close();
    }

    #found(): { readonly checktxt: Encoded; readonly stamp: string } {
      const found = inspect(file() as DiskPath);
      assert.ok(found.state === 'present');
      const checktxt = encodedChecktxt(found.entry, { uid: false, gid: false, mod: false });
      return { checktxt, stamp: stampOf(found.entry) };
    }
  }

  for (const way of ['everything', 'the file']) {
    const recursive = way === 'everything';
    const look = (on = store): Promise<void> => check(recursive ? tree : file(), { recursive }, on);
    // Of a second that is to come: still young however long this takes.
    const write = (text: string, time: number): void => {
      fs.writeFileSync(file(), text);
      fs.utimesSync(file(), time, time);
    };

    test(`is none of ours when a session puts it in place while ${way} is checked`, async () => {
      const time = Math.floor(Date.now() / 1000) + 30;
      write('one 1', time + 0.25);
      await check();
      await clean();
      const receive = (): void => {
        write('two 2', time + 0.75);
        void new Receiving().record();
      };
      await look(whenAsked('fileRows', receive));
      await check();
      assert.deepEqual(await dirty(), []);
    });

    test(`is none of ours when a session has put it in place and not recorded it yet while ${way} is checked`, async () => {
      const time = Math.floor(Date.now() / 1000) + 30;
      write('one 1', time + 0.25);
      await check();
      await clean();
      const receiving = new Receiving();
      await receiving.announce(750_000);
      write('two 2', time + 0.75);
      said.length = 0;
      await look();
      assert.deepEqual(said, []);
      await receiving.record();
      await check();
      assert.deepEqual(await dirty(), []);
    });

    test(`is none of ours when two sessions put one after the other in place while ${way} is checked`, async () => {
      const time = Math.floor(Date.now() / 1000) + 30;
      write('old', 1_700_000_000);
      await check();
      await clean();
      const [first, second] = [new Receiving(), new Receiving()];
      write('one 1', time + 0.25);
      await first.announce(250_000);
      const receive = (): void => {
        void first.record();
        void second.announce(750_000);
        write('two 2', time + 0.75);
      };
      await look(whenAsked('fileRows', receive, 'unfinished'));
      await second.record();
      await check();
      assert.deepEqual(await dirty(), []);
    });

    test(`is none of ours when a session replaces what one that was killed had put there as new while ${way} is checked`, async () => {
      const time = Math.floor(Date.now() / 1000) + 30;
      fs.rmSync(file(), { force: true });
      await check();
      await clean();
      const [first, second] = [new Receiving(), new Receiving()];
      write('one 1', time + 0.25);
      await first.announce(250_000);
      first.isKilled();
      const receive = (): void => {
        write('two 2', time + 1.75);
        void second.announce(750_000);
      };
      await look(whenAsked('unfinished', receive));
      await second.record();
      await check();
      assert.deepEqual(await dirty(), []);
    });

    for (const [before, text] of Object.entries({ 'with the row': 'one 1', 'with another row': 'another' })) {
      test(`is marked when a session is about to put another of that second in place of one ${before} while ${way} is checked`, async () => {
        const time = Math.floor(Date.now() / 1000) + 30;
        write(text, time + 0.25);
        await check();
        await clean();
        write('two 2', time + 0.5);
        await new Receiving().announce(750_000);
        await look();
        assert.deepEqual(await dirty(), ['%t%/f you']);
      });
    }
  }

  test('with -I: what a session puts in place after a check has looked stays recorded', async () => {
    fs.writeFileSync(file(), 'old');
    fs.utimesSync(file(), 1_700_000_000, 1_700_000_000);
    fs.mkdirSync(join(tree, 'd'));
    const receiving = new Receiving();
    // Called with what the walk has found, before the rows are read.
    const onDirectory = (name: string): void => {
      if (name !== '%t%/d') return;
      fs.writeFileSync(file(), 'new one');
      fs.utimesSync(file(), 1_700_000_100, 1_700_000_100);
      void receiving.record();
    };
    await check(tree, { init: true, onDirectory });
    await check();
    assert.deepEqual(await dirty(), []);
  });

  test('one that is not changed is not marked, and is not watched once its second has passed', async () => {
    for (let patience = 50; (await store.young()).size === 0 && patience > 0; patience--) {
      await withinOneSecond(check, () => undefined);
    }
    assert.deepEqual([...(await store.young()).keys()], ['%25t%25/f']);
    await check();
    assert.deepEqual(await dirty(), []);
    await sleep(2050);
    await check();
    assert.deepEqual(await dirty(), []);
    assert.equal((await store.young()).size, 0);
    fs.utimesSync(file(), 4_000_000_000, 4_000_000_000);
    await check();
    assert.equal((await store.young()).size, 0, 'a time far in the future is no sign of youth');
  });

  test('one that has another row by now is marked by that alone, and its stamp is forgotten', async () => {
    await withinOneSecond(check, () => fs.writeFileSync(file(), 'longer'));
    await check();
    assert.deepEqual(await dirty(), ['%t%/f you']);
    await clean();
    fs.rmSync(file());
    await check();
    assert.equal((await store.young()).size, 0);
  });

  test('what a session has put in its place and noted is no change, also for a check that finds that second over', async () => {
    const name = encode('%t%/f');
    const put = (content: string, fraction: number): void => {
      fs.writeFileSync(file(), content);
      fs.utimesSync(file(), 1_700_000_000 + fraction, 1_700_000_000 + fraction);
      void store.apply([
        { type: 'noteYoung', name, stamp: String(1_700_000_000_000n + BigInt(fraction * 1000)) + '000000' },
      ]);
    };
    put('one', 0.25);
    await check(tree, { init: true });
    put('one', 0.25);
    await check(
      tree,
      {},
      whenAsked('fileRows', () => put('two', 0.75)),
    );
    assert.deepEqual(await dirty(), []);
    await check();
    assert.deepEqual(await dirty(), []);
    assert.equal((await store.young()).size, 0);
  });

  test('what a session has put in its place is no change', async () => {
    await withinOneSecond(check, () => undefined);
    // As a session does: another content of another second with its row.
    fs.writeFileSync(file(), 'three');
    fs.utimesSync(file(), 1_700_000_000, 1_700_000_000);
    const entry = inspect(file() as DiskPath);
    assert.ok(entry.state === 'present');
    const checktxt = encodedChecktxt(entry.entry, { uid: false, gid: false, mod: false });
    await store.apply([{ type: 'putFile', name: encode('%t%/f'), checktxt }]);
    await check();
    assert.deepEqual(await dirty(), []);
    assert.equal((await store.young()).size, 0);
  });
});

const skip = availableParallelism() < 2 ? 'one processor: no check looks ahead' : false;

for (const init of [false, true]) {
  const how = init ? ', nor with -I' : '';
  test(`what a session removes after a check has looked ahead is not taken for new${how}`, { skip }, () =>
    lookAhead(init, 17_000),
  );

  test(`what a session removes after the walk, before the rows of it are read, is not taken for new${how}`, () =>
    lookAhead(init, 12_000));
}

async function lookAhead(init: boolean, rowsAhead: number): Promise<void> {
  fs.mkdirSync(join(tree, 'd'));
  for (const name of ['a', 'b']) fs.writeFileSync(join(tree, name), '');
  await check();
  await clean();
  // So many rows, in front of the others, that there is a second thread; they are of nobody.
  const checktxt = encode('v1:type=dir');
  const names = Array.from({ length: rowsAhead }, (_, at) => encode(`%t%/A/${at}.no`));
  await store.apply(names.map((name) => ({ type: 'putFile', name, checktxt })));
  fs.writeFileSync(join(tree, 'c'), '');
  // Called with what the walk has found, before the rows are read.
  const onDirectory = (name: string): void => {
    if (name !== '%t%/d') return;
    fs.rmSync(join(tree, 'a'));
    void store.apply([{ type: 'dropFile', name: encode('%t%/a') }]);
  };
  await check(tree, { init, onDirectory });
  assert.deepEqual(await dirty(), init ? [] : ['%t%/c you']);
  assert.deepEqual(
    (await rows()).filter((name) => !name.endsWith('.no')),
    ['%t%', '%t%/b', '%t%/c', '%t%/d'],
  );
}

test('with -I, what a session replaces while the check goes on stays as it has recorded it', async () => {
  fs.mkdirSync(join(tree, 'd'));
  for (const name of ['replaced', 'same']) fs.writeFileSync(join(tree, name), '');
  await check();
  await clean();
  for (const name of ['fresh', 'replaced']) fs.writeFileSync(join(tree, name), 'changed');
  // Called with what the walk has found, before the rows are read.
  const onDirectory = (name: string): void => {
    if (name !== '%t%/d') return;
    for (const one of ['fresh', 'replaced']) {
      fs.writeFileSync(join(tree, one), 'received');
      fs.utimesSync(join(tree, one), 1_700_000_000, 1_700_000_000);
      const found = inspect(join(tree, one) as DiskPath);
      assert.ok(found.state === 'present');
      const checktxt = encodedChecktxt(found.entry, { uid: false, gid: false, mod: false });
      void store.apply([{ type: 'putFile', name: encode(`%t%/${one}`), checktxt }]);
    }
  };
  await check(tree, { init: true, onDirectory });
  await check();
  assert.deepEqual(await dirty(), []);
});

test('sockets are recorded and never marked', async () => {
  const { createServer } = await import('node:net');
  const server = createServer().listen(join(tree, 's'));
  await new Promise((resolve) => server.once('listening', resolve));
  await check();
  assert.deepEqual(await rows(), ['%t%', '%t%/s']);
  assert.deepEqual(await dirty(), ['%t% you']);
  await new Promise((resolve) => server.close(resolve));
  await check();
  assert.deepEqual(await rows(), ['%t%']);
  assert.deepEqual(await dirty(), ['%t% you']);
});

test('a link whose row has no target, as the C program writes it, is completed without a mark', async () => {
  fs.symlinkSync('target', join(tree, 'l'));
  await check(tree, { init: true });
  const name = encode('%t%/l');
  const complete = (await store.fileRows([name])).get(name);
  assert.match(complete ?? '', /target=target$/);
  const empty = encode(decode(complete ?? '').replace(/target=target$/, 'target='));
  await store.apply([{ type: 'putFile', name, checktxt: empty }]);
  await check();
  assert.equal((await store.fileRows([name])).get(name), complete);
  assert.deepEqual(await dirty(), []);
  fs.rmSync(join(tree, 'l'));
  fs.symlinkSync('another', join(tree, 'l'));
  await check();
  assert.deepEqual(await dirty(), ['%t%/l you']);
});

test('leftovers of a crash are removed and never content; those of a living process stay', async () => {
  const { tempName } = await import('../../src/filesystem/tempName.ts');
  const ours = tempName();
  const dead = ours.replace(/\.[0-9a-f]{8}\.([0-9a-f]{12})\./, '.7ffffffe.$1.');
  fs.writeFileSync(join(tree, ours), '');
  fs.writeFileSync(join(tree, dead), '');
  await check();
  assert.deepEqual(await rows(), ['%t%']);
  assert.deepEqual(fs.readdirSync(tree), [ours]);
});

test('a name that is not UTF-8 is recorded byte for byte', async () => {
  const path = Buffer.concat([Buffer.from(tree + '/'), Buffer.from([0xff, 0x20, 0xfe])]);
  fs.writeFileSync(path, '');
  await check();
  assert.deepEqual(await rows(), ['%t%', '%t%/\xff \xfe']);
  assert.equal(cluster.toDisk('%t%/\xff \xfe' as FileName), tree + '/\xff \xfe');
});

test('a file system that is unmounted while the check goes on: what was on it stays recorded', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('skipped: needs root');
  for (const directory of ['a', 'z']) fs.mkdirSync(join(tree, directory));
  execFileSync('mount', ['-t', 'tmpfs', 'disk', join(tree, 'z')]);
  let mounted = true;
  const unmount = (): void => {
    if (mounted) execFileSync('umount', [join(tree, 'z')]);
    mounted = false;
  };
  try {
    fs.writeFileSync(join(tree, 'z/file'), '');
    // More than a slice of the walk, so that it has not come to z when it tells of a.
    for (let at = 0; at < 2100; at++) fs.writeFileSync(join(tree, `a/${at}`), '');
    await check();
    await clean();
    const before = await rows();
    fs.writeFileSync(join(tree, 'a/1'), 'changed');
    await check(tree, { onDirectory: unmount });
    assert.equal(mounted, false);
    assert.deepEqual(await rows(), before);
    assert.deepEqual(await dirty(), ['%t%/a/1 you']);
  } finally {
    unmount();
  }
});
