import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { FileName } from '../../src/bytes/bytes.ts';
import type { Attributes, Command, CommandName, WantedObject } from '../../src/protocol/protocol.ts';
import { formatCommand, isBlank, parseCommand, plainFileCommands } from '../../src/protocol/protocol.ts';

const file = '%d%/a b' as FileName;
const key = 'K'.repeat(32);

const attributes: Attributes = { mode: 0o100644, uid: 4_294_967_294, gid: 0, mtime: -1, mtimeNanoseconds: 5 };
const digest = '0123456789abcdef'.repeat(2);
const wantedObjects: readonly (readonly [string, WantedObject])[] = [
  ['dir', { kind: 'dir' }],
  ['fifo', { kind: 'fifo' }],
  [`reg 9007199254740991 ${digest}`, { kind: 'reg', size: Number.MAX_SAFE_INTEGER, digest }],
  ['lnk a%20b', { kind: 'lnk', target: 'a b' }],
  ['chr 259', { kind: 'chr', device: 259 }],
  ['blk 4294967295', { kind: 'blk', device: 0xffff_ffff }],
];

const wellFormed: readonly (readonly [line: string, command: Command])[] = [
  ['SSL', { name: 'SSL' }],
  ['BYE', { name: 'BYE' }],
  ['CONFIG ', { name: 'CONFIG', config: '' }],
  ['CONFIG web1', { name: 'CONFIG', config: 'web1' }],
  ['GROUP a,b', { name: 'GROUP', groups: ['a', 'b'] }],
  ['HELLO host.example', { name: 'HELLO', host: 'host.example' }],
  ...plainFileCommands.map((name) => [`${name} ${key} %25d%25/a%20b`, { name, key, file }] as const),
  [`MKCHR ${key} /dev/x 259`, { name: 'MKCHR', key, file: '/dev/x' as FileName, device: 259 }],
  [`MKBLK ${key} /dev/x`, { name: 'MKBLK', key, file: '/dev/x' as FileName, device: undefined }],
  [
    `MKLINK ${key} /l ..%2Fa%20b`.replace('%2F', '/'),
    { name: 'MKLINK', key, file: '/l' as FileName, target: '../a b' },
  ],
  [`SETOWN ${key} /f 1000 -2`, { name: 'SETOWN', key, file: '/f' as FileName, uid: 1000, gid: 4_294_967_294 }],
  [`SETMOD ${key} /f 33188`, { name: 'SETMOD', key, file: '/f' as FileName, mode: 0o100644 }],
  [`SETIME ${key} /f -5`, { name: 'SETIME', key, file: '/f' as FileName, mtime: -5 }],
  [
    `SETIME ${key} /f -5 999999999`,
    { name: 'SETIME', key, file: '/f' as FileName, mtime: -5, mtimeNanoseconds: 999_999_999 },
  ],
  ['CAPS', { name: 'CAPS', extensions: [] }],
  ['SYNC', { name: 'SYNC' }],
  ['CAPS xput a%20b', { name: 'CAPS', extensions: ['xput', 'a b'] }],
  [`XDEL ${key} /f check`, { name: 'XDEL', key, file: '/f' as FileName, force: false }],
  [
    `XPUT ${key} /f force 33188 4294967294 0 -1 5`,
    { name: 'XPUT', key, file: '/f' as FileName, force: true, attributes },
  ],
  ...wantedObjects.map(
    ([words, object]) =>
      [
        `XSET ${key} /f check 33188 4294967294 0 -1 5 ${words}`,
        { name: 'XSET', key, file: '/f' as FileName, force: false, attributes, object },
      ] as const,
  ),
  ['LIST peer.example - k1 k2', { name: 'LIST', peer: 'peer.example', file: undefined, keys: ['k1', 'k2'] }],
  ['LIST peer /etc k1', { name: 'LIST', peer: 'peer', file: '/etc' as FileName, keys: ['k1'] }],
];

describe('requests', () => {
  for (const [line, command] of wellFormed) {
    test(`${line} is understood and written`, () => {
      assert.deepEqual(parseCommand(line), command);
      assert.equal(formatCommand(command), line);
    });
  }

  const lenient: readonly (readonly [string, Command])[] = [
    ['  bye  ', { name: 'BYE' }],
    ['BYE now', { name: 'BYE' }],
    ['CONFIG', { name: 'CONFIG', config: '' }],
    ['\tsig\tk \t /f\t', { name: 'SIG', key: 'k', file: '/f' as FileName }],
    ['Sig k /f surplus words', { name: 'SIG', key: 'k', file: '/f' as FileName }],
    [
      'SETOWN k /f 4294967294 4294967295',
      { name: 'SETOWN', key: 'k', file: '/f' as FileName, uid: 4_294_967_294, gid: 4_294_967_295 },
    ],
    ['SETIME k /f -0', { name: 'SETIME', key: 'k', file: '/f' as FileName, mtime: 0 }],
    ['LIST', { name: 'LIST', peer: '', file: undefined, keys: [] }],
    ['GROUP', { name: 'GROUP', groups: [] }],
    ['GROUP a,,b,', { name: 'GROUP', groups: ['a', 'b'] }],
    ['HELLO', { name: 'HELLO', host: '' }],
    ['DEL k /caf%C3%a9', { name: 'DEL', key: 'k', file: '/caf\xc3\xa9' as FileName }],
  ];
  for (const [line, command] of lenient) {
    test(`${JSON.stringify(line)} is understood as csync2 does`, () => {
      assert.deepEqual(parseCommand(line), command);
    });
  }

  const refused: readonly (readonly [line: string, command: CommandName | undefined, reply: RegExp])[] = [
    ['FOO', undefined, /^Unknown command!$/],
    ['BYEX', undefined, /^Unknown command!$/],
    ['__proto__ k /f', undefined, /^Unknown command!$/],
    ['OK (cmd_finished).', undefined, /^Unknown command!$/],
    ['CONFIG ../x', 'CONFIG', /^Config names are limited to \[a-z0-9\]\+\.$/],
    ['CONFIG A', 'CONFIG', /^Config names are limited/],
    ['SIG', 'SIG', /^Permission denied!$/],
    ['SIG k', 'SIG', /^Permission denied!$/],
    ['SIG k relative', 'SIG', /^Permission denied!$/],
    ['PATCH k %25p%25/../x', 'PATCH', /^Permission denied!$/],
    ['DEL k /a%00b', 'DEL', /^Permission denied!$/],
    ['LIST p ../x k', 'LIST', /^Permission denied!$/],
    ['MKLINK k /l', 'MKLINK', /^Invalid argument: /],
    ['XDEL k /f', 'XDEL', /^Invalid argument: XDEL needs a valid check or force\.$/],
    ['XDEL k ../f check', 'XDEL', /^Permission denied!$/],
    ['XPUT k /f/../g check 1 2 3 4 5', 'XPUT', /^Permission denied!$/],
    ['XPUT k /f maybe 1 2 3 4 5', 'XPUT', /valid check or force/],
    ['XPUT k /f check 65536 2 3 4 5', 'XPUT', /valid mode/],
    ['XPUT k /f check 1 -2 3 4 5', 'XPUT', /valid uid and gid/],
    ['XPUT k /f check 1 2 4294967296 4 5', 'XPUT', /valid uid and gid/],
    ['XPUT k /f check 1 2 3 4', 'XPUT', /valid time/],
    ['XPUT k /f check 1 2 3 4 1000000000', 'XPUT', /valid time/],
    ['XSET k /f check 1 2 3 4 5', 'XSET', /valid kind/],
    ['XSET k /f check 1 2 3 4 5 sock', 'XSET', /valid kind/],
    ['XSET k /f check 1 2 3 4 5 reg -1 0123', 'XSET', /valid size/],
    ['XSET k /f check 1 2 3 4 5 reg 1 0123', 'XSET', /valid digest/],
    ['XSET k /f check 1 2 3 4 5 lnk a%00b', 'XSET', /valid target/],
    ['XSET k /f check 1 2 3 4 5 chr', 'XSET', /valid device number/],
    ['MKLINK k /l a%00b', 'MKLINK', /^Invalid argument: /],
    ['MKLINK k ../l x', 'MKLINK', /^Permission denied!$/],
    ['MKCHR k /c x', 'MKCHR', /^Invalid argument: /],
    ['MKCHR k c 1', 'MKCHR', /^Permission denied!$/],
    ['MKBLK k /c 4294967296', 'MKBLK', /^Invalid argument: /],
    ['MKBLK k /c -1', 'MKBLK', /^Invalid argument: /],
    ['SETOWN k /f 1', 'SETOWN', /^Invalid argument: /],
    ['SETOWN k /f 1 4294967296', 'SETOWN', /^Invalid argument: /],
    ['SETOWN k f 1 1', 'SETOWN', /^Permission denied!$/],
    ['SETMOD k /f', 'SETMOD', /^Invalid argument: /],
    ['SETMOD k /f 0x1ff', 'SETMOD', /^Invalid argument: /],
    ['SETMOD k /f 65536', 'SETMOD', /^Invalid argument: /],
    ['SETMOD k f 1', 'SETMOD', /^Permission denied!$/],
    ['SETIME k /f', 'SETIME', /^Invalid argument: /],
    ['SETIME k /f 1e3', 'SETIME', /^Invalid argument: /],
    ['SETIME k /f 99999999999999999999', 'SETIME', /^Invalid argument: /],
    ['SETIME k f 1', 'SETIME', /^Permission denied!$/],
  ];
  for (const [line, command, reply] of refused) {
    test(`${JSON.stringify(line)} is refused`, () => {
      const parsed = parseCommand(line);
      assert.equal(parsed.name, 'refused');
      if (parsed.name !== 'refused') return;
      assert.equal(parsed.command, command);
      assert.match(parsed.reply, reply);
    });
  }

  test('lines of blanks only are told apart', () => {
    for (const line of ['', ' ', '\t \r']) assert.equal(isBlank(line), true);
    assert.equal(isBlank(' x'), false);
  });

  test('any bytes at all are parsed without an exception', () => {
    const word = fc.string({
      unit: fc.constantFrom('%', '/', '.', '0', 'a', '-', '\0', '\xff', '\t', ' '),
      maxLength: 12,
    });
    const name = fc.constantFrom('SIG', 'list', 'MKLINK', 'SETOWN', 'SETIME', 'MKCHR', 'GROUP', 'CONFIG', '');
    fc.assert(
      fc.property(name, fc.array(word, { maxLength: 5 }), (command, words) => {
        const parsed = parseCommand([command, ...words].join(' '));
        assert.equal(typeof parsed.name, 'string');
      }),
      { numRuns: 2000 },
    );
  });

  test('every file name survives the way over the wire', () => {
    const component = fc
      .string({
        unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
        minLength: 1,
        maxLength: 20,
      })
      .filter((text) => !text.includes('/') && text !== '.' && text !== '..');
    fc.assert(
      fc.property(fc.array(component, { minLength: 1, maxLength: 4 }), component, (components, target) => {
        const command: Command = { name: 'MKLINK', key, file: `/${components.join('/')}` as FileName, target };
        assert.deepEqual(parseCommand(formatCommand(command)), command);
      }),
      { numRuns: 1000 },
    );
  });
});
