import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Patience } from '../../src/session/patience.ts';

/** Attempts that nothing comes of, and how long they went on. */
async function inVain(patience: Patience): Promise<number> {
  const begin = performance.now();
  assert.equal(await patience.until(() => Promise.resolve(undefined)), undefined);
  return performance.now() - begin;
}

const never = new AbortController().signal;

describe('the patience of a session', () => {
  test('what is there at once takes one attempt', async () => {
    let attempts = 0;
    const patience = new Patience(never);
    assert.equal(await patience.until(async () => ++attempts), 1);
    assert.equal(attempts, 1);
  });

  test('what comes later is waited for', async () => {
    let attempts = 0;
    const patience = new Patience(never);
    assert.equal(await patience.until(async () => (++attempts === 4 ? 'there' : undefined)), 'there');
  });

  test('attempts that take long count as waiting', async () => {
    const patience = new Patience(never, 300);
    const begin = performance.now();
    await patience.until(() => sleep(100, undefined));
    assert.ok(performance.now() - begin < 1_000);
  });

  test('whoever is made to wait for one after another does not wait as long for each', async () => {
    const patience = new Patience(never, 1_000);
    assert.ok((await inVain(patience)) >= 1_000);
    const begin = performance.now();
    for (let file = 0; file < 5; file++) await inVain(patience);
    assert.ok(performance.now() - begin < 3_000);
  });

  test('nor when each comes in the end', async () => {
    const patience = new Patience(never, 500);
    let waits = 0;
    for (; waits < 20; waits++) {
      const begin = performance.now();
      const comes = async (): Promise<true | undefined> => (performance.now() - begin > 200 ? true : undefined);
      if ((await patience.until(comes)) === undefined) break;
    }
    assert.ok(waits >= 1 && waits < 4, `${waits} waits`);
  });

  test('it comes back with the time that is not spent on waiting', async () => {
    const patience = new Patience(never, 200);
    await inVain(patience);
    await sleep(300);
    const again = await inVain(patience);
    assert.ok(again >= 200, `${again} ms`);
  });

  test('a session that is to end waits for nobody', async () => {
    const stopping = new AbortController();
    const patience = new Patience(stopping.signal);
    const begin = performance.now();
    const waiting = inVain(patience);
    await sleep(50);
    stopping.abort();
    await waiting;
    await inVain(patience);
    assert.ok(performance.now() - begin < 2_000);
  });
});
