import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromText } from '../../src/bytes/bytes.ts';
import { configOf, failure } from './reading.ts';

/** A group body that is complete but for what a test adds. */
const group = (body: string): string => `group g { host a b; key k; ${body} }`;
const patternsOf = (body: string): string[] =>
  configOf(group(body)).groups.flatMap(({ patterns }) => patterns.map(({ text }) => text));

const words: readonly (readonly [written: string, words: string[]])[] = [
  ['/a /b', ['/a', '/b']],
  ['', []],
  ['"/a b" /c', ['/a b', '/c']],
  ['"/a\nb"', ['/a\nb']],
  ['"a;b{c}#d"', ['a;b{c}#d']],
  ['"" /a ""', ['/a']],
  ['a"b"c', ['a', 'b', 'c']],
  ['"a\\"', ['a\\']],
  ['a:b :c ::d', ['a:b', ':c', '::d']],
  ['a{b} {c} }d {{', ['a{b}', '{c}', '}d', '{{']],
  ['a=b,c!d*[x]', ['a=b,c!d*[x]']],
  ["'a b'", ["'a", "b'"]],
  ['a\\', ['a\\']],
  ['/a # /b;\n /c', ['/a', '/c']],
  ['/a#b\n', ['/a']],
  ['/a\r\n/b', ['/a', '/b']],
  ['keyx xkey key. Key', ['keyx', 'xkey', 'key.', 'Key']],
  ['key host include', ['key', 'host', 'include']],
  ['group prefix config', ['group', 'prefix', 'config']],
  ['\xe9\xff', ['\xe9\xff']],
];

describe('words', () => {
  for (const [written, expected] of words) {
    test(JSON.stringify(written), () => assert.deepEqual(patternsOf(`include ${written};`), expected));
  }
});

const rootStatements = [
  'group, prefix, nossl, config, ignore, tempdir, lock-timeout, database',
  'ssl-cert, ssl-key, ssl-ca, tls-min',
  'max-sessions, max-sessions-per-address, max-line, max-path, max-arguments, max-size',
  'login-timeout, idle-timeout, connect-timeout',
].join(', ');

describe('statements', () => {
  test('a group without a name, or with an empty one, is numbered', () => {
    const config = configOf('group { key k; } group x { key k; } group "" { key k; } group "key" { key k; }');
    assert.deepEqual(
      config.groups.map(({ name }) => name),
      ['group_1', 'x', 'group_2', 'key'],
    );
  });

  test('keywords are names where no statement can begin', () => {
    const [only] = configOf('group key { host host group; key key; auto "left"; }').groups;
    assert.equal(only?.name, 'key');
    assert.deepEqual(
      only.hosts.map(({ name }) => name),
      ['host', 'group'],
    );
    assert.equal(only.keyFile, 'key');
    assert.equal(only.auto, 'left');
  });

  test('hosts are lower-cased; @ gives the address, parentheses make slaves', () => {
    const [only] = configOf('group g { host A b@B-ETH (c d @ X) () e(f)g@h; host z; key k; }').groups;
    assert.deepEqual(
      only?.hosts.map(({ name, address, slave }) => `${name} ${address} ${slave ? 'slave' : 'master'}`),
      ['a a', 'b b-eth', 'c c', 'd x', 'e e', 'f f', 'g h', 'z z'].map(
        (host) => `${host} ${['c c', 'd x', 'f f'].includes(host) ? 'slave' : 'master'}`,
      ),
    );
  });

  test('certificates and limits; what is not mentioned is undefined, of several the last one counts', () => {
    const none = configOf('');
    for (const value of Object.values({ ...none.tls, ...none.limits })) assert.equal(value, undefined);
    const { tls, limits } = configOf(`ssl-cert c.pem; ssl-key "/a b/k.pem"; ssl-ca old; ssl-ca ca.pem; tls-min 1.3;
max-sessions 7; max-sessions-per-address 3; login-timeout 1; idle-timeout 0; connect-timeout 604800;
max-line 4K; max-path 1K; max-arguments 16; max-size 3T;`);
    assert.deepEqual(tls, { certificate: 'c.pem', key: '/a b/k.pem', authority: 'ca.pem', minVersion: '1.3' });
    assert.deepEqual(limits, {
      sessions: 7,
      sessionsPerAddress: 3,
      login: 1,
      idle: 0,
      connect: 604_800,
      line: 4096,
      path: 1024,
      arguments: 16,
      size: 3 * 2 ** 40,
    });
  });

  test('patterns of all kinds stay in order', () => {
    const [only] = configOf(group('include /a /b; exclude *.o; compare /c; include x;')).groups;
    assert.deepEqual(
      only?.patterns.map(({ kind, text }) => `${kind} ${text}`),
      ['include /a', 'include /b', 'exclude *.o', 'compare /c', 'include x'],
    );
  });

  test('actions', () => {
    const actions = configOf(
      group(`action { }
        action { pattern /a /b; exec "one %%" two; logfile /l; pattern /c; do-local; }
        action { do-local; do-local-only; } action { do-local-only; do-local; } action { exec ""; pattern ""; }`),
    ).groups[0]?.actions;
    const none = { patterns: [], commands: [], logfile: undefined };
    assert.deepEqual(actions, [
      { ...none, where: 'remote' },
      { patterns: ['/a', '/b', '/c'], commands: ['one %%', 'two'], logfile: '/l', where: 'remote-and-local' },
      { ...none, where: 'local' },
      { ...none, where: 'local' },
      { ...none, where: 'remote' },
    ]);
  });

  test('backups: three generations unless said otherwise, none without a directory', () => {
    const backup = (body: string): unknown => configOf(group(body)).groups[0]?.backup;
    assert.equal(backup(''), undefined);
    assert.equal(backup('backup-generations 5;'), undefined);
    assert.deepEqual(backup('backup-directory /b;'), { directory: '/b', generations: 3 });
    assert.deepEqual(backup('backup-generations 5; backup-directory /b;'), { directory: '/b', generations: 5 });
  });

  test('everything outside of groups', () => {
    const config = configOf(`
      prefix p { on a*: /x/y; on *: "/z z"; } prefix q { }
      nossl * *.net; nossl a b;
      ignore uid; ignore mod gid; ignore;
      tempdir /t; lock-timeout 30; database "mysql://u:p@h/d";
    `);
    assert.deepEqual(config.prefixes, [
      {
        name: 'p',
        locations: [
          { hostPattern: 'a*', path: '/x/y' },
          { hostPattern: '*', path: '/z z' },
        ],
      },
      { name: 'q', locations: [] },
    ]);
    assert.deepEqual(config.plain, [
      { from: '*', to: '*.net' },
      { from: 'a', to: 'b' },
    ]);
    assert.deepEqual(config.ignore, { uid: true, gid: true, mod: true });
    assert.equal(config.tempDirectory, '/t');
    assert.equal(config.lockTimeout, 30);
    assert.equal(config.database, 'mysql://u:p@h/d');
  });

  test('an empty file is a configuration', () => {
    const { groups, database, ignore } = configOf('# nothing\r\n');
    assert.deepEqual(
      { groups, database, ignore },
      {
        groups: [],
        database: undefined,
        ignore: { uid: false, gid: false, mod: false },
      },
    );
  });

  test('the result is frozen throughout', () => {
    const config = configOf(group('include /a;'));
    assert.ok(
      Object.isFrozen(config) && Object.isFrozen(config.groups) && Object.isFrozen(config.groups[0]?.patterns[0]),
    );
  });

  test('positions', () => {
    const [, second] = configOf('group a { key k; }\n  group b {\n  key\n    x;\n}').groups;
    assert.deepEqual(second?.position, { file: 'csync2.cfg', line: 2, column: 3 });
    assert.deepEqual(second.keyPosition, { file: 'csync2.cfg', line: 4, column: 5 });
  });
});

/** The message without the name of the file. */
const wrong: readonly (readonly [text: string, message: string])[] = [
  ['group g { host a; }', '1:1: every group must have a key.'],
  [group('key x;'), '1:28: a group might only have one key.'],
  [
    group('auto foo;'),
    "1:33: Unknown auto-setting 'foo' (use 'none', 'first', 'younger', 'older', 'bigger', 'smaller', 'left' or 'right').",
  ],
  [group('auto none; auto left;'), '1:39: a group might only have one auto-setting.'],
  [group('auto left right;'), "1:38: expected ';' after 'left', found 'right'."],
  [group('auto;'), "1:32: expected a word after 'auto', found ';'."],
  [group('backup-generations many;'), "1:47: 'many' is not a number for backup-generations."],
  ['lock-timeout 1s;', "1:14: '1s' is not a number for lock-timeout."],
  ['prefix p { on *: x; }', "1:18: Prefix 'x' is not an absolute path."],
  ['prefix p { on *:/x; }', "1:19: expected ':' after '*:/x', found ';'."],
  ['prefix p { off *: /x; }', "1:12: expected 'on' or '}' after '{', found 'off'."],
  ['prefix { }', "1:8: expected a word after 'prefix', found '{'."],
  ['ignore size;', "1:8: Unknown 'ignore' property: 'size'."],
  ['no-cygwin-lowercase;', "1:1: Found 'nocygwinlowercase' but this is not a cygwin csync2."],
  ['nossl a;', "1:8: expected a word after 'a', found ';'."],
  ['nossl a b c;', "1:11: expected ';' after 'b', found 'c'."],
  ['key x;', `1:1: unknown statement 'key': a statement begins with ${rootStatements}.`],
  ['GROUP g { }', `1:1: unknown statement 'GROUP': a statement begins with ${rootStatements}.`],
  ['tls-min 1.1;', "1:9: Unknown TLS version '1.1' (use '1.2' or '1.3')."],
  ['max-sessions 0;', '1:14: max-sessions must be from 1 to 1000000, not 0.'],
  ['max-line 100;', '1:10: max-line must be from 1024 to 1048576, not 100.'],
  ['max-path 4096;', '1:10: max-path must be from 255 to 4095, not 4096.'],
  ['max-arguments 4K;', "1:15: '4K' is not a number for max-arguments."],
  ['max-size 9999T;', "1:10: '9999T' is not a number of bytes for max-size."],
  ['max-size -1;', "1:10: '-1' is not a number of bytes for max-size."],
  ['max-size 1e9;', "1:10: '1e9' is not a number of bytes for max-size."],
  ['login-timeout 0;', '1:15: login-timeout must be from 1 to 604800, not 0.'],
  ['idle-timeout 10s;', "1:14: '10s' is not a number for idle-timeout."],
  [
    group('\n\n\thots x;'),
    "3:2: unknown statement 'hots': a group statement begins with host, key, include, exclude, compare, auto, backup-directory, backup-generations, action.",
  ],
  [
    group('action { run x; }'),
    "1:37: unknown statement 'run': an action statement begins with pattern, exec, logfile, do-local, do-local-only.",
  ],
  ['group g { host a b; key k }', "1:27: expected ';' after 'k', found '}'."],
  ['group g { host a b; key k; };', "1:29: expected a statement or the end of the file after '}', found ';'."],
  ['group g { host a b; key k;', "1:28: expected '}' or a group statement after ';', found the end of the file."],
  ['group demo{ key k; }', "1:13: expected '{' after 'demo{', found 'key'."],
  ['group g h { key k; }', "1:9: expected '{' after 'g', found 'h'."],
  [group('include /x\n  exclude /y;'), "2:3: expected ';' after '/x', found 'exclude'."],
  ['group g { host a b\n  key k; }', "2:3: expected ';' after 'b', found 'key'."],
  ['group g { host a ((b)); }', "1:19: expected ')' or a word after '(', found '('."],
  ['group g { host a@b@c; }', "1:19: expected ';' after 'b', found '@'."],
  ['group g { key "k; }', '1:15: this quotation mark is never closed.'],
  ['\n"', '2:1: this quotation mark is never closed.'],
];

describe('errors say where and what, in plain words', () => {
  for (const [text, message] of wrong) {
    test(JSON.stringify(text), () => {
      const [first] = failure(text).message.split('\n');
      assert.equal(first, `csync2.cfg:${message}`);
    });
  }

  test('show the line and point at the place', () => {
    assert.equal(
      failure(fromText('group g {\r\n\tkey "ä b" ü;\r\n}')).message,
      fromText('csync2.cfg:2:13: expected \';\' after "ä b", found \'ü\'.\n\tkey "ä b" ü;\n\t          ^'),
    );
  });

  test('carry the place as data', () => {
    const { code, file, line, column, reason } = failure('\n  what;');
    assert.deepEqual([code, file, line, column], ['CONFIG', 'csync2.cfg', 2, 3]);
    assert.match(reason, /^unknown statement 'what'/);
  });
});

test('tens of thousands of hosts and patterns are read, each of them', () => {
  const count = 20_000;
  const hosts = Array.from({ length: count }, (_, index) => `host${index}@eth.host${index}`).join('\n ');
  const patterns = Array.from({ length: count }, (_, index) => `include /srv/data/${index};`).join('\n');
  const [read] = configOf(group(`host ${hosts};\n${patterns}`)).groups;
  assert.equal(read?.hosts.at(-1)?.address, `eth.host${count - 1}`);
  assert.equal(read.patterns.length, count);
});
