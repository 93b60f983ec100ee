import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateTime, duration } from '../../src/log/clock.ts';
import * as messages from '../../src/log/messages.ts';

test('texts that scripts look for', () => {
  const table: [string, string][] = [
    [messages.connectingTo('b', true), 'Connecting to host b (SSL) ...'],
    [messages.connectingTo('b', false), 'Connecting to host b (PLAIN) ...'],
    [messages.boundTo('127.0.0.1', 0, 'a'), 'Bound to 127.0.0.1:0 as a.'],
    [messages.connectTo('127.0.0.2', 30865, 'b'), 'Connect to 127.0.0.2:30865 (b).'],
    [messages.connectionFailed('b'), "ERROR: Connection to remote host `b' failed."],
    [messages.updatedFrom('%p%/x', 'b'), 'Updated %p%/x from b.'],
    [messages.markingDirty('/a b'), 'Marking file as dirty: /a b'],
    [messages.conflictWon('younger/older'), "Auto-resolving conflict: Won 'younger/older' test."],
    [messages.conflictLost('left/right'), "Do not auto-resolve conflict: Lost 'left/right' test."],
    [messages.dryRun('?M', '2.csync2.test', '%demodir%/n'), '?M: 2.csync2.test   %demodir%/n'],
    [messages.dryRun('!D', 'a-host-with-a-long-name', '/x'), '!D: a-host-with-a-long-name /x'],
    [messages.runningCheck('/x', true), 'Running recursive check for /x ...'],
    [messages.runningCheck('/x', false), 'Running check for /x ...'],
    [messages.finished(2), 'Finished with 2 errors.'],
  ];
  for (const [actual, expected] of table) assert.equal(actual, expected);
});

test('the wire is shown with bytes that do not print in octal', () => {
  assert.equal(messages.wire('Peer', 'rs\x026\x07back\\sl\0\xe9\n'), 'Peer> rs\\0026\\007back\\sl\\000\\351\\n');
});

test('times: durations from seconds to days, zones with their offset', () => {
  assert.equal(duration(0), '0:00:00');
  assert.equal(duration(3_599), '0:59:59');
  assert.equal(duration(100 * 3600 + 61), '100:01:01');
  assert.match(dateTime(new Date(0)), /^19(69|70)-\d\d-\d\d \d\d:\d\d:\d\d \S+ \(GMT[+-]\d{4}\)$/);
});
