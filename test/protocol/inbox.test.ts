import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Inbox, ProtocolError, requestLineLimit } from '../../src/protocol/protocol.ts';

/** What to ask of the inbox next: a line, or so many bytes. */
type Wish = 'line' | number;

interface Item {
  readonly wish: Wish;
  readonly wire: string;
  readonly result: string;
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Pushes the chunks one after the other, asking for as much as possible in between. */
function decodeAll(chunks: readonly Uint8Array[], wishes: readonly Wish[], limit?: number): string[] {
  const inbox = new Inbox(limit);
  const results: string[] = [];
  let bytes = '';
  for (const chunk of chunks) {
    inbox.push(chunk);
    while (results.length < wishes.length) {
      const wish = wishes[results.length] as Wish;
      if (wish === 'line') {
        const line = inbox.tryLine();
        if (line === undefined) break;
        results.push(`line ${line}`);
        continue;
      }
      const part = bytes.length < wish ? inbox.tryBytes(wish - bytes.length) : undefined;
      if (part !== undefined) bytes += Buffer.from(part).toString('latin1');
      if (bytes.length < wish) break;
      results.push(`bytes ${bytes}`);
      bytes = '';
    }
  }
  return results;
}

function singleBytes(whole: Buffer): Uint8Array[] {
  return Array.from(whole, (_, at) => whole.subarray(at, at + 1));
}

function cutAt(whole: Buffer, at: number): Uint8Array[] {
  return [whole.subarray(0, at), whole.subarray(at)];
}

const conversations: readonly { name: string; input: string; wishes: Wish[]; expected: string[] }[] = [
  { name: 'a line', input: 'BYE\n', wishes: ['line'], expected: ['line BYE'] },
  { name: 'an empty line', input: '\nBYE\n', wishes: ['line', 'line'], expected: ['line ', 'line BYE'] },
  {
    name: 'lines that end in carriage return and newline',
    input: 'A\r\n\r\nB\rC\r\r\n',
    wishes: ['line', 'line', 'line'],
    expected: ['line A', 'line ', 'line B\rC\r'],
  },
  {
    name: 'a blob between lines',
    input: 'OK (data_follows).\nv1\noctet-stream 5\na\nb\r\0OK (cmd_finished).\n',
    wishes: ['line', 'line', 'line', 5, 'line'],
    expected: [
      'line OK (data_follows).',
      'line v1',
      'line octet-stream 5',
      'bytes a\nb\r\0',
      'line OK (cmd_finished).',
    ],
  },
  {
    name: 'an empty blob',
    input: 'octet-stream 0\nX\n',
    wishes: ['line', 0, 'line'],
    expected: ['line octet-stream 0', 'bytes ', 'line X'],
  },
  {
    name: 'bytes above 0x7f and NUL',
    input: '\xff\x80\0\xe4\n',
    wishes: ['line'],
    expected: ['line \xff\x80\0\xe4'],
  },
  {
    name: 'lines longer than a window',
    input: `${'a'.repeat(4095)}\n${'b'.repeat(4096)}\n${'c'.repeat(9000)}\nd\n`,
    wishes: ['line', 'line', 'line', 'line'],
    expected: [`line ${'a'.repeat(4095)}`, `line ${'b'.repeat(4096)}`, `line ${'c'.repeat(9000)}`, 'line d'],
  },
  { name: 'an unfinished line', input: 'A\nB', wishes: ['line', 'line'], expected: ['line A'] },
];

for (const { name, input, wishes, expected } of conversations) {
  describe(`inbox: ${name}`, () => {
    const whole = latin1(input);
    test('whole', () => {
      assert.deepEqual(decodeAll([whole], wishes), expected);
    });
    test('byte by byte', () => {
      assert.deepEqual(decodeAll(singleBytes(whole), wishes), expected);
    });
    test('cut at every point', () => {
      const step = Math.max(1, Math.floor(whole.length / 200));
      for (let at = 0; at <= whole.length; at += step) {
        assert.deepEqual(decodeAll(cutAt(whole, at), wishes), expected, `cut at ${at}`);
      }
    });
  });
}

describe('inbox', () => {
  test('any mixture of lines and blobs comes out the same however it is cut', () => {
    const line = fc.string({ unit: fc.constantFrom('a', '\r', '\0', '\xff', ' '), maxLength: 40 });
    const blob = fc.string({ unit: fc.constantFrom('a', '\n', '\r', '\xff'), maxLength: 60 });
    const item = fc.oneof(
      line.map((text): Item => ({ wish: 'line', wire: `${text}\n`, result: `line ${text.replace(/\r$/, '')}` })),
      blob.map((text): Item => ({ wish: text.length, wire: text, result: `bytes ${text}` })),
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 30 }), fc.array(fc.nat(1000), { maxLength: 20 }), (items, cuts) => {
        const whole = latin1(items.map(({ wire }) => wire).join(''));
        const points = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
        const chunks = points.slice(1).map((point, index) => whole.subarray(points[index], point));
        const wishes = items.map(({ wish }) => wish);
        // A wish for nothing is fulfilled only when something comes, so the last push is an extra one.
        const results = decodeAll([...chunks, latin1('!')], wishes);
        assert.deepEqual(
          results,
          items.map(({ result }) => result),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('takes a line of exactly the limit and refuses one byte more, whole or in pieces', () => {
    const fits = latin1('x'.repeat(requestLineLimit - 1) + '\n');
    const tooLong = latin1('x'.repeat(requestLineLimit) + '\n');
    for (const cut of [(whole: Buffer) => [whole], singleBytes, (whole: Buffer) => cutAt(whole, 5000)]) {
      assert.equal(decodeAll(cut(fits), ['line']).length, 1);
      assert.throws(() => decodeAll(cut(tooLong), ['line']), isTooLong);
    }
  });

  test('refuses an endless line without waiting for its end', () => {
    const inbox = new Inbox(100);
    inbox.push(latin1('y'.repeat(100)));
    assert.throws(() => inbox.tryLine(), isTooLong);
    assert.throws(() => inbox.tryLine(), isTooLong);
  });

  test('counts what is buffered', () => {
    const inbox = new Inbox();
    inbox.push(latin1('ab\ncd'));
    inbox.push(latin1('ef'));
    assert.equal(inbox.buffered, 7);
    inbox.tryLine();
    assert.equal(inbox.buffered, 4);
    assert.equal(inbox.tryLine(), undefined);
    assert.equal(inbox.buffered, 4);
    inbox.tryBytes(1);
    assert.equal(inbox.buffered, 3);
  });

  test('gives bytes without copying them', () => {
    const inbox = new Inbox();
    const chunk = Buffer.from('hello world');
    inbox.push(chunk);
    const bytes = inbox.tryBytes(5) as Uint8Array;
    assert.equal(bytes.buffer, chunk.buffer);
    assert.equal(bytes.byteOffset, chunk.byteOffset);
    assert.equal(inbox.tryBytes(0), undefined);
    assert.equal(Buffer.from(inbox.tryBytes(100) as Uint8Array).toString(), ' world');
    assert.equal(inbox.tryBytes(100), undefined);
  });

  test('hands over all that is left, also after a line was asked for in vain', () => {
    const inbox = new Inbox();
    for (const part of ['SSL\n', 'ab', 'c', 'd']) inbox.push(latin1(part));
    assert.equal(inbox.tryLine(), 'SSL');
    assert.equal(inbox.tryLine(), undefined);
    assert.equal(Buffer.from(inbox.takeAll()).toString(), 'abcd');
    assert.equal(inbox.buffered, 0);
    assert.equal(inbox.takeAll().length, 0);
    inbox.push(latin1('X\n'));
    assert.equal(inbox.tryLine(), 'X');
  });

  test('accepts plain Uint8Arrays and empty chunks', () => {
    const inbox = new Inbox();
    inbox.push(new Uint8Array(0));
    inbox.push(Uint8Array.of(65, 10));
    assert.equal(inbox.tryLine(), 'A');
  });

  test('survives many chunks', () => {
    const inbox = new Inbox();
    for (let index = 0; index < 5000; index += 1) inbox.push(latin1(`${index}\n`));
    for (let index = 0; index < 5000; index += 1) assert.equal(inbox.tryLine(), String(index));
    assert.equal(inbox.tryLine(), undefined);
    assert.equal(inbox.buffered, 0);
  });
});

function isTooLong(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'LINE_TOO_LONG';
}

describe('lines by the piece', () => {
  const lines = fc.array(
    fc.stringMatching(/^[ -~]{0,40}\r?$/).map((text) => text + '\n'),
    { minLength: 1 },
  );

  test('all lines come, whole, however they were cut', () => {
    fc.assert(
      fc.property(lines, fc.array(fc.nat(200), { maxLength: 20 }), (sent, cuts) => {
        const bytes = latin1(sent.join(''));
        const inbox = new Inbox();
        let taken = '';
        let from = 0;
        for (const cut of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
          inbox.push(bytes.subarray(from, cut));
          from = cut;
          for (let piece = inbox.tryLines(); piece !== undefined; piece = inbox.tryLines()) {
            assert.ok(piece.endsWith('\n'));
            taken += piece;
          }
        }
        assert.equal(taken, sent.join('').replaceAll('\r\n', '\n'));
        assert.equal(inbox.buffered, 0);
      }),
    );
  });

  test('a line that is too long is refused, whether it came in one piece or in many', () => {
    for (const size of [1, 7, 100]) {
      const inbox = new Inbox(20);
      const bytes = latin1(`short\n${'x'.repeat(20)}\n`);
      for (let at = 0; at < bytes.length; at += size) inbox.push(bytes.subarray(at, at + size));
      assert.equal(inbox.tryLines(), 'short\n');
      assert.throws(() => inbox.tryLines(), ProtocolError);
    }
  });
});
