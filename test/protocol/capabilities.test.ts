import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentDigest, formatCapabilities, isContentDigest, parseCapabilities } from '../../src/protocol/protocol.ts';

test('a server grants what it is asked for and speaks', () => {
  assert.equal(formatCapabilities(['what', 'xput']), 'OK (caps xput).');
  assert.equal(formatCapabilities([]), 'OK (caps).');
});

test('a client takes what it knows from the answer, and nothing from any other answer', () => {
  assert.deepEqual([...parseCapabilities('OK (caps what xput).')], ['xput']);
  for (const line of [
    'OK (caps).',
    'Unknown command!',
    'Unkown command!',
    'OK (cmd_finished).',
    'xput',
    '',
    'OK (capsxput).',
  ])
    assert.deepEqual([...parseCapabilities(line)], [], line);
});

test('content goes by the beginning of its SHA-256', () => {
  assert.equal(contentDigest(Buffer.from('abc')), 'ba7816bf8f01cfea414140de5dae2223');
  assert.ok(isContentDigest(contentDigest(Buffer.alloc(0))));
  for (const word of ['', 'BA7816BF8F01CFEA414140DE5DAE2223', 'ba78', 'z'.repeat(32)])
    assert.ok(!isContentDigest(word));
});
