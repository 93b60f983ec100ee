import assert from 'node:assert/strict';
import { group, scenarios } from './harness/scenario.ts';

/** A group with one action that appends to the log of the host it runs on. */
const action = (...statements: string[]): string => group(`action { ${statements.join(' ')} }`);
const echo = 'exec "echo ran %% >> $root/h2/out/log";';

scenarios('actions', [
  {
    name: 'a command with the changed files runs once after the session',
    tls: true,
    config: action(echo),
    run: async (w) => {
      await w.settle((tree) => tree.write('gone', 'g'));
      w.h1.tree.write('a', 'a');
      w.h1.tree.write('b', 'b');
      w.h1.tree.remove('gone');
      await w.ok(w.h1, '-xv');
      const lines = w.h2.out.lines('log');
      assert.equal(lines.length, 1);
      for (const name of ['a', 'b', 'gone']) assert.match(lines[0] ?? '', new RegExp(`/${name}\\b`));
      assert.deepEqual(w.h2.rows().action, []);
    },
    exempt: ['out', 'served'],
    why: 'the C program passes encoded names, ours real paths',
  },
  {
    name: 'odd names reach the command whole',
    config: action('exec "for f in %%; do echo \\[$f\\] >> $root/h2/out/log; done";'.replaceAll('\\', '')),
    exempt: ['out', 'served'],
    why: 'the C program pastes encoded names unquoted',
    run: async (w) => {
      await w.settle();
      const names = ['sp ace', '$(touch injected)', 'q\'uo"te', '; touch injected;', '%41'];
      names.forEach((name) => w.h1.tree.write(name, name));
      await w.run(w.h1, '-xv');
      if (w.pairing.others !== 'ours') return;
      assert.deepEqual(w.h2.out.lines('log').sort(), names.map((name) => `[${w.h2.tree.path(name)}]`).sort());
    },
  },
  {
    name: 'patterns choose the files',
    config: action('pattern %t%/*.conf; pattern %t%/etc/*;', 'exec "echo conf >> $root/h2/out/log";'),
    run: async (w) => {
      await w.settle((tree) => tree.mkdir('etc'));
      w.h1.tree.write('a.txt', 'a');
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.out.lines('log'), []);
      w.h1.tree.write('a.conf', 'a');
      w.h1.tree.write('etc/b', 'b');
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.out.lines('log'), ['conf']);
    },
  },
  {
    name: 'the output goes to the logfile, appended',
    config: action('exec "echo out; echo err >&2";', 'logfile "$root/h2/out/log";'),
    run: async (w) => {
      await w.settle();
      for (const name of ['a', 'b']) {
        w.h1.tree.write(name, name);
        await w.ok(w.h1, '-xv');
      }
      assert.deepEqual(w.h2.out.lines('log'), ['out', 'err', 'out', 'err']);
    },
  },
  {
    name: 'do-local: here and there; do-local-only: here only',
    config: group(`action { exec "echo both >> $root/common.log"; logfile "$root/h1/out/null"; do-local; }
      action { exec "echo local >> $root/h1/out/local"; do-local-only; }`),
    run: async (w) => {
      await w.settle();
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h1.out.lines('../../common.log'), ['both', 'both']);
      assert.deepEqual(w.h1.out.lines('local'), ['local']);
    },
  },
  {
    name: 'do-local runs after a check alone',
    config: action('exec "echo %% >/dev/null; echo ran >> $root/h1/out/log";', 'do-local;'),
    run: async (w) => {
      await w.settle();
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-cvr /');
      assert.deepEqual(w.h1.out.lines('log'), ['ran']);
    },
  },
  {
    name: 'several commands and several actions, each once',
    config: group(`action { exec "echo one >> $root/h2/out/log1"; exec "echo two >> $root/h2/out/log2"; }
      action { pattern %t%/a; exec "echo three >> $root/h2/out/log3"; }
      action { pattern %t%/b; exec "echo three >> $root/h2/out/log3"; }`),
    run: async (w) => {
      await w.settle();
      w.h1.tree.write('a', 'a');
      w.h1.tree.write('b', 'b');
      await w.ok(w.h1, '-xv');
      for (const log of ['log1', 'log2', 'log3']) assert.equal(w.h2.out.lines(log).length, 1, log);
    },
  },
  {
    name: 'a command that fails does not harm the synchronization',
    config: action('exec "exit 3";', 'logfile "$root/h2/out/log";'),
    run: async (w) => {
      await w.settle();
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      assert.deepEqual(w.h2.rows().action, []);
    },
  },
  {
    name: 'mode and time alone: whether the command runs',
    config: action('exec "echo ran >> $root/h2/out/log";'),
    run: async (w) => {
      await w.settle((tree) => tree.write('a', 'a'));
      w.h1.tree.set('a', { mtime: 1_700_000_007 });
      await w.ok(w.h1, '-xv');
      w.h1.tree.set('a', { mode: 0o600 });
      await w.ok(w.h1, '-xv');
      w.h1.tree.mkdir('d');
      w.h1.tree.symlink('l', 'x');
      await w.ok(w.h1, '-xv');
    },
  },
]);
