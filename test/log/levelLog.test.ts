import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Level, Sink } from '../../src/log/log.ts';
import { createLog, pidPrefix } from '../../src/log/levelLog.ts';

function recorder(): Sink & { readonly lines: [Level, string][] } {
  const lines: [Level, string][] = [];
  return { lines, write: (level, prefix, message) => void lines.push([level, prefix + message]), flush: () => {} };
}

test('messages up to the level pass, others do not', () => {
  const sink = recorder();
  const log = createLog(2, sink);
  for (const level of [0, 1, 2, 3, 4] as const) log.write(level, `m${level}`);
  assert.deepEqual(sink.lines, [
    [0, 'm0'],
    [1, 'm1'],
    [2, 'm2'],
  ]);
  assert.equal(log.wants(2), true);
  assert.equal(log.wants(3), false);
});

test('errors pass at every level and are counted, messages of level 0 are not', () => {
  const sink = recorder();
  const log = createLog(0, sink);
  log.error('bad');
  log.write(0, 'note');
  log.error('worse');
  assert.equal(log.errors, 2);
  assert.equal(sink.lines.length, 3);
});

test('a child writes to the same place under its own prefix and counts its own errors', () => {
  const sink = recorder();
  const log = createLog(1, sink);
  const session = log.child(pidPrefix(4711));
  session.write(1, 'New connection from 127.0.0.1:1.');
  session.error('bad');
  log.write(1, 'still here');
  assert.deepEqual(
    sink.lines.map(([, line]) => line),
    ['<4711> New connection from 127.0.0.1:1.', '<4711> bad', 'still here'],
  );
  assert.equal(session.errors, 1);
  assert.equal(log.errors, 0);
});
