import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConflictRule } from '../../src/groups/cluster.ts';
import { judge, judgeFigures } from '../../src/sync/resolve.ts';

const rule = (
  auto: ConflictRule['auto'],
  peerSide: 'left' | 'right' = 'right',
  peerIsOurSlave = false,
): ConflictRule => ({
  auto,
  peerSide,
  peerIsOurSlave,
});

describe('what decides a conflict', () => {
  const table: [string, ConflictRule, boolean, ReturnType<typeof judge>][] = [
    ['nothing', rule('none'), false, { outcome: 'unresolved' }],
    ['our slave always loses', rule('none', 'left', true), false, { outcome: 'won', test: 'master/slave' }],
    ['our slave loses deletions too', rule('younger', 'left', true), true, { outcome: 'won', test: 'master/slave' }],
    ['who comes first', rule('first'), false, { outcome: 'won', test: 'first' }],
    ['who comes first, also to delete', rule('first'), true, { outcome: 'won', test: 'first' }],
    ['left: the peer is on the right', rule('left', 'right'), false, { outcome: 'won', test: 'left/right' }],
    ['left: the peer is on the left', rule('left', 'left'), false, { outcome: 'lost', test: 'left/right' }],
    ['right: the peer is on the right', rule('right', 'right'), true, { outcome: 'lost', test: 'left/right' }],
    ['right: the peer is on the left', rule('right', 'left'), false, { outcome: 'won', test: 'left/right' }],
    ['younger asks for the time', rule('younger'), false, { outcome: 'ask', question: 'GETTM' }],
    ['older asks for the time', rule('older'), false, { outcome: 'ask', question: 'GETTM' }],
    ['bigger asks for the size', rule('bigger'), false, { outcome: 'ask', question: 'GETSZ' }],
    ['smaller asks for the size', rule('smaller'), false, { outcome: 'ask', question: 'GETSZ' }],
    ['younger never deletes', rule('younger'), true, { outcome: 'removal' }],
    ['smaller never deletes', rule('smaller'), true, { outcome: 'removal' }],
  ];
  for (const [what, given, deletion, expected] of table) {
    test(what, () => assert.deepEqual(judge(given, deletion), expected));
  }
});

describe('figures: strictly greater wins for younger and bigger, all the rest for older and smaller', () => {
  const table: ['younger' | 'older' | 'bigger' | 'smaller', number, number, boolean][] = [
    ['younger', 2, 1, true],
    ['younger', 1, 2, false],
    ['younger', 1, 1, false],
    ['older', 2, 1, false],
    ['older', 1, 2, true],
    ['older', 1, 1, true],
    ['bigger', 2, 1, true],
    ['bigger', 1, 1, false],
    ['smaller', 1, 2, true],
    ['smaller', 2, 1, false],
    ['younger', 1, -1, true],
    ['older', 1, -1, true],
    ['bigger', 0, -1, true],
    ['smaller', 5, -1, true],
  ];
  for (const [auto, ours, theirs, wins] of table) {
    test(`${auto}: ${ours} here, ${theirs === -1 ? 'gone' : theirs} there`, () => {
      const question = auto === 'younger' || auto === 'older' ? 'GETTM' : 'GETSZ';
      const { outcome } = judgeFigures(rule(auto), question, ours, theirs);
      assert.equal(outcome, wins ? 'won' : 'lost');
    });
  }
});
