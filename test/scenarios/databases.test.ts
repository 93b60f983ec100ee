import assert from 'node:assert/strict';
import { group, scenarios } from './harness/scenario.ts';
import type { Pairing } from './harness/programs.ts';
import type { World } from './harness/world.ts';

const config = group('', '$1 $2');
const mixed = ({ acting, others }: Pairing): boolean => acting === 'ours' && others === 'c';

/** The program that takes turns with the C one on host 1. */
async function inTurn(w: World, step: () => Promise<void>): Promise<void> {
  for (const program of ['c', 'ours', 'c', 'ours'] as const) {
    w.h1.program = program;
    await step();
  }
}

scenarios('one database, both programs in turn', [
  {
    name: 'nothing is marked again, nothing is lost',
    config,
    only: mixed,
    run: async (w) => {
      let turn = 0;
      await inTurn(w, async () => {
        w.h1.tree.write(`file ${turn}`, 'new');
        w.h1.tree.mkdir(`dir ${turn}`);
        w.h1.tree.symlink(`link ${turn}`, 'target');
        w.h1.tree.write('latin\xe9', `turn ${turn}`, { mtime: 1_700_000_000 + turn });
        if (turn > 0) w.h1.tree.remove(`file ${turn - 1}`);
        turn++;
        await w.ok(w.h1, '-xv');
        w.assertInSync();
        const { stderr } = await w.ok(w.h1, '-xv');
        assert.doesNotMatch(stderr, /Marking|Connecting/);
      });
    },
  },
  {
    name: 'marks and hints of one are worked off by the other',
    config,
    only: mixed,
    run: async (w) => {
      let turn = 0;
      await inTurn(w, async () => {
        w.h1.tree.write('marked', `turn ${turn}`, { mtime: 1_700_000_000 + turn });
        await w.ok(w.h1, '-cr /');
        w.h1.tree.write('hinted', `turn ${turn}`, { mtime: 1_700_000_000 + turn });
        await w.ok(w.h1, ['-h', '$tree1/hinted']);
        w.h1.program = w.h1.program === 'c' ? 'ours' : 'c';
        turn++;
        await w.ok(w.h1, '-cuv');
        w.assertInSync();
      });
    },
  },
  {
    name: 'the server side changes hands',
    config,
    only: mixed,
    run: async (w) => {
      let turn = 0;
      await inTurn(w, async () => {
        await w.h2.stop();
        w.h2.program = turn % 2 === 0 ? 'ours' : 'c';
        w.h1.tree.write('a', `turn ${turn}`, { mtime: 1_700_000_000 + turn++ });
        await w.ok(w.h1, '-xv');
        w.assertInSync();
      });
      const { stderr } = await w.ok(w.h2, '-xv');
      assert.doesNotMatch(stderr, /Marking|Connecting/);
    },
  },
  {
    name: 'certificates that one has remembered bind the other',
    tls: true,
    config,
    only: mixed,
    run: async (w) => {
      let turn = 0;
      await inTurn(w, async () => {
        w.h1.tree.write('a', `turn ${turn}`, { mtime: 1_700_000_000 + turn++ });
        await w.ok(w.h1, '-xv');
      });
      if (!w.tls) return;
      await w.h2.stop();
      w.h2.useCertificate('another');
      w.h1.tree.write('a', 'not sent', { mtime: 1_700_000_100 });
      await w.fails(w.h1, '-xv');
    },
  },
]);

scenarios('a database that the C program has made worse', [
  {
    name: 'rows of links with an empty target are completed, not marked',
    config,
    only: mixed,
    run: async (w) => {
      w.h1.program = 'c';
      await w.settle((tree) => tree.symlink('l', 'target'));
      w.h1.program = 'ours';
      const { stderr } = await w.ok(w.h1, '-xv');
      assert.doesNotMatch(stderr, /Marking/);
      assert.ok(w.h1.rows().file.some((row) => row.endsWith('target')));
    },
  },
]);
