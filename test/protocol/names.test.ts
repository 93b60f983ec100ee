import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { validateName } from '../../src/protocol/protocol.ts';

describe('names from peers', () => {
  const good = [
    '/',
    '/etc',
    '/etc/hosts',
    '/...',
    '/..a/.b/c..',
    '/ /\n',
    '/\xff\xfe',
    '%p%',
    '%p%/a',
    '%home-dir.1%/a/b',
    '/a%b%/c',
    `/${'x'.repeat(255)}`,
    '/abc'.repeat(1023),
  ];
  for (const name of good) {
    test(`${JSON.stringify(name.slice(0, 30))} (${name.length} bytes) is taken`, () => {
      assert.equal(validateName(name), name);
    });
  }

  const bad = [
    '',
    'etc',
    '.',
    '..',
    './a',
    '//',
    '//a',
    '/a/',
    '/a//b',
    '/.',
    '/..',
    '/../a',
    '/a/..',
    '/a/../b',
    '/a/./b',
    '/a\0b',
    '/\0',
    '%p%a',
    '%p%a/b',
    '%p%/',
    '%p%/..',
    '%p%/../x',
    '%p%//x',
    '%p',
    '%%/a',
    '%a/b%/c',
    '%p%%q%/x',
    `/${'x'.repeat(256)}`,
    '/abc'.repeat(1024),
  ];
  for (const name of bad) {
    test(`${JSON.stringify(name.slice(0, 30))} (${name.length} bytes) is refused`, () => {
      assert.equal(validateName(name), undefined);
    });
  }
});
