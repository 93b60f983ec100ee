import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decode, encode } from '../../src/bytes/urlEncoding.ts';

const byteString = fc.uint8Array({ min: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const nearEscapes = fc.stringMatching(/^[%0-9A-Fa-f:x\xff]{0,40}$/);

test('what is encoded decodes to itself and holds no byte that separates fields', () => {
  fc.assert(
    fc.property(byteString, (bytes) => {
      assert.equal(decode(encode(bytes)), bytes);
      assert.match(encode(bytes), /^[!-~\x80-\xff]*$/);
    }),
  );
});

test('escapes decode once, in either case, and a percent sign that begins none stays', () => {
  assert.equal(decode('%25home%25/a%3ab%3A%253A'), '%home%/a:b:%3A');
  assert.equal(decode('100% of%2 %zz %4%3A %%41 %'), '100% of%2 %zz %4: %A %');
  const byRegularExpression = (text: string): string =>
    text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  fc.assert(
    fc.property(nearEscapes, (text) => assert.equal(decode(text), byRegularExpression(text))),
    {
      numRuns: 2000,
    },
  );
});
