import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from '../../src/protocol/redact.ts';

const key = 'k'.repeat(40);

test('the key of a group never shows, however a line is spelled', () => {
  const lines: readonly (readonly [line: string, shown: string])[] = [
    [`SIG ${key} %25t%25/f`, 'SIG KEY %25t%25/f'],
    [`sig ${key} %25t%25/f`, 'sig KEY %25t%25/f'],
    [`  \t SIG\t${key}\t%25t%25/f`, '  \t SIG\tKEY\t%25t%25/f'],
    [`XPUT ${key} %25t%25/f check 33188 0 0 1 0`, 'XPUT KEY %25t%25/f check 33188 0 0 1 0'],
    [`LIST host - ${key} ${key}`, 'LIST host - KEY KEY'],
    [`list host f ${key}`, 'list host f KEY'],
    [`SIG ${key}`, 'SIG KEY'],
    [`NOSUCH ${key} f`, 'NOSUCH KEY f'],
    [`S1G ${key} f`, 'S1G KEY f'],
    [`SIG, ${key} f`, 'SIG, KEY f'],
    [`\0SIG ${key} f`, '\0SIG KEY f'],
  ];
  for (const [line, shown] of lines) assert.equal(redact(line), shown);
});

test('what tells who talks about what is left as it is', () => {
  for (const line of ['HELLO host', 'CONFIG name', 'CONFIG ', 'GROUP a,b', 'CAPS xput', 'BYE', 'SSL', '']) {
    assert.equal(redact(line), line);
  }
});
