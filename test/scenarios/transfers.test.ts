import assert from 'node:assert/strict';
import { statSync, utimesSync } from 'node:fs';
import { group, scenarios } from './harness/scenario.ts';
import type { Tree } from './harness/tree.ts';

/** At the borders between the ways that content takes, and beside them. */
const sizes = [0, 1, 256, 257, 64 << 10, (64 << 10) + 1, 300_000, 1 << 20, (1 << 20) + 1, 3_000_000];
const time = 1_700_000_000;

function fill(tree: Tree, letter: string, mtime: number): void {
  for (const size of sizes) {
    const content = Buffer.alloc(size, 'content that repeats ');
    content.write(letter, Math.floor(size / 2), 'latin1');
    tree.write(`f${size}`, content, { mtime });
  }
}

scenarios('content of every size', [
  {
    name: 'new, then changed, then of another mode, then sent again as it is',
    tls: true,
    config: group(),
    run: async (w) => {
      await w.settle();
      fill(w.h1.tree, 'a', time);
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      fill(w.h1.tree, 'b', time + 1);
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      for (const size of sizes) w.h1.tree.set(`f${size}`, { mode: 0o600 });
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      await w.run(w.h1, '-mr $tree1');
      await w.ok(w.h1, '-uv');
      w.assertInSync();
    },
  },
  {
    name: 'many files that are the same, then some of them changed, then all of them',
    config: group(),
    run: async (w) => {
      const many = (tree: Tree, text: string, every: number): void => {
        for (let n = 0; n < 120; n += every) {
          const length = 40 * (n % 60);
          tree.write(`f${n}`, text.repeat(length), { mtime: time + text.charCodeAt(0) });
        }
      };
      await w.settle((tree) => many(tree, 'a', 1));
      await w.run(w.h1, '-mr $tree1');
      await w.ok(w.h1, '-uv');
      many(w.h1.tree, 'b', 7);
      await w.run(w.h1, '-mr $tree1');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      many(w.h1.tree, 'c', 1);
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'ours among themselves keep times to the microsecond; that alone makes nothing dirty',
    config: group(),
    reference: false,
    only: (pairing) => pairing.acting === 'ours' && pairing.others === 'ours',
    why: 'the C program sets whole seconds',
    run: async (w) => {
      await w.settle();
      for (const size of [5, 2_000_000]) {
        w.h1.tree.write(`f${size}`, 'x'.repeat(size));
        utimesSync(w.h1.tree.path(`f${size}`), time, time + 0.25);
      }
      await w.ok(w.h1, '-x');
      for (const size of [5, 2_000_000]) {
        assert.equal(
          statSync(w.h2.tree.path(`f${size}`), { bigint: true }).mtimeNs / 1000n,
          BigInt(time) * 1_000_000n + 250_000n,
        );
      }
      utimesSync(w.h1.tree.path('f5'), time, time + 0.5);
      await w.ok(w.h1, '-c /');
      await w.ok(w.h1, '-cr /');
      assert.deepEqual(w.h1.rows().dirty, []);
    },
  },
]);
