import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/log/levelLog.ts';
import { forTerminal, printable } from '../../src/log/printable.ts';

test('control characters are shown, all other bytes stay as they are', () => {
  assert.equal(
    printable('a\nb\tc\x1b]0;x\x07\x7f\0 \xc3\xa9\xff\\'),
    'a\\nb\\011c\\033]0;x\\007\\177\\000 \xc3\xa9\xff\\',
  );
  assert.equal(forTerminal('a\nb\tc\x1b]0;x\x07\r'), 'a\nb\tc\\033]0;x\\007\\015');
});

test('a message among those of other processes is one line, whatever a file is called', () => {
  const lines: string[] = [];
  const log = createLog(1, { write: (_, prefix, message) => lines.push(prefix + message), flush: () => undefined });
  log.write(1, 'Updating new\nline ...');
  const server = log.child('<1> ');
  server.write(1, 'Updated x\n<2> forged\x1b[2J from h.');
  server.error('x\ny');
  assert.deepEqual(lines, ['Updating new\nline ...', '<1> Updated x\\n<2> forged\\033[2J from h.', '<1> x\\ny']);
});
