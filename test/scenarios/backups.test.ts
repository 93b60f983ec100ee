import assert from 'node:assert/strict';
import { type Scenario, group, scenarios } from './harness/scenario.ts';

/** Three changes and a deletion sent to a peer that keeps so many generations. */
function generations(statement: string, kept: number): Scenario {
  return {
    name: `generations: ${statement}`,
    config: group(`backup-directory $root/h2/backup; ${statement}`),
    exempt: kept > 2 ? ['backup'] : [],
    why: 'the C program moves each generation up to the last number at once, and so keeps two at most',
    run: async (w) => {
      await w.settle((tree) => {
        tree.mkdir('d');
        tree.write('d/f', 'generation 0', { mode: 0o600, uid: 5, gid: 6 });
      });
      for (let at = 1; at <= 3; at++) {
        w.h1.tree.write('d/f', `generation ${at}`, { mtime: 1_700_000_000 + at, mode: 0o640 });
        await w.ok(w.h1, '-xv');
      }
      w.h1.tree.remove('d/f');
      await w.ok(w.h1, '-xv');
      const files = w.h2.backup.names().filter((name) => /\/f(\.\d+)?$/.test(name));
      assert.equal(files.length, w.pairing.others === 'c' ? Math.min(kept, 2) : kept, files.join());
      if (kept === 0) return;
      const newest = files.find((name) => name.endsWith('/f'));
      assert.equal(w.h2.backup.read(newest ?? ''), 'generation 3');
    },
  };
}

scenarios('backups', [
  generations('', 3),
  generations('backup-generations 2;', 2),
  generations('backup-generations 5;', 4),
  generations('backup-generations 1;', 0),
  {
    name: 'a new file needs no backup; a directory and a link leave none',
    config: group('backup-directory $root/h2/backup;'),
    run: async (w) => {
      await w.settle((tree) => {
        tree.mkdir('d');
        tree.symlink('l', 'target');
      });
      w.h1.tree.write('new', 'new');
      w.h1.tree.remove('d');
      w.h1.tree.remove('l');
      await w.ok(w.h1, '-xv');
      assert.deepEqual(
        w.h2.backup.names().filter((name) => /\/(d|l|new)$/.test(name)),
        [],
      );
    },
  },
  {
    name: 'mode, owner and time alone: what is kept',
    config: group('backup-directory $root/h2/backup;'),
    run: async (w) => {
      await w.settle((tree) => tree.write('f', 'f'));
      w.h1.tree.set('f', { mode: 0o600 });
      await w.ok(w.h1, '-xv');
      w.h1.tree.set('f', { mtime: 1_700_000_050 });
      await w.ok(w.h1, '-xv');
    },
  },
  {
    name: 'a file that becomes a link, a directory, a fifo is kept',
    config: group('backup-directory $root/h2/backup;'),
    exempt: ['backup'],
    why: 'the C server keeps nothing of them',
    run: async (w) => {
      await w.settle((tree) => ['l', 'd', 'p'].forEach((name) => tree.write(name, name)));
      const before = ['l', 'd', 'p'];
      before.forEach((name) => w.h1.tree.remove(name));
      w.h1.tree.symlink('l', 'target');
      w.h1.tree.mkdir('d');
      w.h1.tree.fifo('p');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      if (w.pairing.others === 'c') return;
      const kept = w.h2.backup.names().join('\n');
      for (const name of before) assert.match(kept, new RegExp(`/tree/${name}$`, 'm'));
    },
  },
  {
    name: 'a backup directory that does not exist and cannot be made: the change is refused',
    config: group('backup-directory $root/h2/out/file/backup;'),
    only: (pairing) => pairing.others === 'ours',
    why: 'the C server answers twice, and all later answers are those to the command before',
    run: async (w) => {
      await w.settle((tree) => ['f', 'gone', 'same'].forEach((name) => tree.write(name, name)));
      w.h2.out.write('file', 'in the way');
      w.h1.tree.write('f', 'changed', { mtime: 1_700_000_001 });
      w.h1.tree.remove('gone');
      w.h1.tree.write('g', 'new');
      await w.fails(w.h1, '-xv');
      assert.equal(w.h2.tree.read('f'), 'f');
      assert.deepEqual(w.h2.tree.names(), ['f', 'g', 'gone', 'same']);
      assert.equal(w.h1.rows().dirty.length, 2);
    },
  },
]);
