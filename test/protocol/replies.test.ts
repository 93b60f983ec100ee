import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReplyKind } from '../../src/protocol/protocol.ts';
import {
  blobUnavailable,
  classifyReply,
  formatBlobHeader,
  identifyFirst,
  isOk,
  parseBlobHeader,
  parseNumberLine,
} from '../../src/protocol/protocol.ts';

describe('replies', () => {
  const kinds: readonly (readonly [string, ReplyKind])[] = [
    ['OK (cmd_finished).', 'finished'],
    ['OK (data_follows).', 'dataFollows'],
    ['OK (send_data).', 'sendData'],
    ['OK (not_found).', 'notFound'],
    ['OK (path_not_found).', 'pathNotFound'],
    ['OK (cu_later).', 'goodbye'],
    ['OK (activating_ssl).', 'activatingTls'],
    ['OK (cmd_finished) with more to say', 'finished'],
    ['OK (something_new).', 'unknownOk'],
    ['OK', 'otherError'],
    ['', 'otherError'],
    ['File is also marked dirty here!', 'conflict'],
    ['Parent dir missing.', 'parentMissing'],
    ['Group list already set!', 'groupsAlreadySet'],
    ['Identification failed!', 'identificationFailed'],
    ['Permission denied for slave!', 'slaveDenied'],
    ['Permission denied!', 'denied'],
    ['Permission denied', 'otherError'],
    ['SSL encrypted connection expected!', 'tlsExpected'],
    ['The file system that this file is on is not mounted!', 'notMounted'],
    ['Unknown command!', 'unknownCommand'],
    ['Unkown command!', 'unknownCommand'],
    [identifyFirst('127.0.0.1'), 'identifyFirst'],
    ['No such file or directory', 'otherError'],
  ];
  for (const [line, kind] of kinds) {
    test(`${JSON.stringify(line)} means ${kind}`, () => {
      assert.equal(classifyReply(line), kind);
      assert.equal(isOk(line), line.startsWith('OK ('));
    });
  }
});

describe('blob headers', () => {
  test('are written', () => {
    assert.equal(formatBlobHeader(0), 'octet-stream 0');
    assert.equal(formatBlobHeader(5_000_000_000), 'octet-stream 5000000000');
  });

  const headers: readonly (readonly [string, ReturnType<typeof parseBlobHeader>])[] = [
    ['octet-stream 0', 0],
    ['octet-stream 12', 12],
    ['octet-stream 9007199254740991', Number.MAX_SAFE_INTEGER],
    ['octet-stream 9007199254740992', 'TOO_LARGE'],
    ['octet-stream 99999999999999999999', 'TOO_LARGE'],
    [blobUnavailable, 'UNAVAILABLE'],
    ['ERROR', 'IO_ERROR'],
    ['octet-stream -2', 'MALFORMED'],
    ['octet-stream', 'MALFORMED'],
    ['octet-stream ', 'MALFORMED'],
    ['octet-stream  1', 'MALFORMED'],
    ['octet-stream 1 ', 'MALFORMED'],
    ['octet-stream +1', 'MALFORMED'],
    ['octet-stream 0x10', 'MALFORMED'],
    ['octet-stream 1e3', 'MALFORMED'],
    ['OCTET-STREAM 1', 'MALFORMED'],
    ['OK (cmd_finished).', 'MALFORMED'],
    ['', 'MALFORMED'],
  ];
  for (const [line, meaning] of headers) {
    test(`${JSON.stringify(line)} means ${meaning}`, () => {
      assert.equal(parseBlobHeader(line), meaning);
    });
  }
});

describe('values', () => {
  test('number lines are whole and signed', () => {
    assert.equal(parseNumberLine('-1'), -1);
    assert.equal(parseNumberLine('1700000000'), 1_700_000_000);
    for (const line of ['', 'x', '1 ', '1.5', '99999999999999999999', '- 1']) {
      assert.equal(parseNumberLine(line), undefined, line);
    }
  });
});
