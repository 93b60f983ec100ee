import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parseConfig } from '../../src/config/parse.ts';

const program = '/usr/sbin/csync2';
const top = mkdtempSync(join(tmpdir(), 'config-'));
after(() => rmSync(top, { recursive: true }));
writeFileSync(join(top, 'k'), 'x'.repeat(40) + '\n', { mode: 0o600 });
writeFileSync(join(top, 'included'), 'ignore uid;');

const group = (body: string): string => `group g { host a b; key k; ${body} }`;

/** What both programs take. */
const accepted: readonly string[] = [
  group(''),
  'group { host a; key k; }',
  'group "" { host a; key k; }',
  'group "key" { host a; key k; }',
  '# c\r\ngroup g # {\r\n{ host a b;\r\n key k;\r\n}\r\n',
  'group g { host (a b) c; key k; }',
  'group g { host a () b; host; key k; }',
  'group g { host a @ x b; key k; }',
  'group g { host a(b)c@d(e); key k; }',
  'group g { host a ""b; key k; auto "left"; }',
  group('include "/a\nb" \'c d\' a"b"c a=b,c!d {a} a:b :c;'),
  group('include keyx xkey key. Group HOST uid none left;'),
  group('exclude; include; compare; compare a;'),
  group('action { } action { exec "x"; } action { logfile /l; logfile /m; pattern; exec; do-local; do-local-only; }'),
  group('backup-directory /b; backup-generations 0;'),
  `ignore uid gid mod; ignore; ${group('')}`,
  `lock-timeout 10; tempdir t; database /d; nossl * *; ${group('')}`,
  `prefix p { } prefix p { on * : /x; on "*": "/y"; } ${group('')}`,
  `config ${top}/included; ${group(`config ${top}/included2;`)}`,
  `config; ${group('')}`,
];
writeFileSync(join(top, 'included2'), 'include /x;');

/** What neither takes. */
const refused: readonly string[] = [
  'group g {host a b; key k; }',
  'group{ host a b; key k; }',
  group('') + ';',
  'group demo{ key k; }',
  'group g h { host a; key k; }',
  'GROUP g { host a; key k; }',
  'group g { host a b; }',
  group('key k;'),
  'group g { host a; key; }',
  'group g { host a; key k }',
  'group g { host a; key k; ',
  group('}'),
  group('include x; }}'),
  group('include ::;'),
  group('include a: b;'),
  group('include { ;'),
  group('include /x\n exclude /y;'),
  group('auto foo;'),
  group('auto;'),
  group('auto left right;'),
  group('auto none; auto left;'),
  group('backup-directory b c;'),
  group('hots x;'),
  group('action { logfile /l /m; }'),
  'group g { host a@b@c; key k; }',
  'group g { host (a b; key k; }',
  'group g { host a ((b)); key k; }',
  `prefix { on *: /x; } ${group('')}`,
  `prefix p { on *: x; } ${group('')}`,
  `prefix p { on *:/x; } ${group('')}`,
  `prefix p { on a b: /x; } ${group('')}`,
  `nossl *; ${group('')}`,
  `nossl a b c; ${group('')}`,
  `ignore foo; ${group('')}`,
  `no-cygwin-lowercase; ${group('')}`,
  `config ${top}/nix; ${group('')}`,
  `key k; ${group('')}`,
];

/** We are more generous: keywords need no quotes where no statement can begin. */
const acceptedByUsOnly: readonly string[] = [
  'group key { host a; key k; }',
  'group g { host a host; key k; }',
  group('include x on y;'),
  `config "${top}/included"; ${group('')}`,
  `ssl-cert c; ssl-key k; ssl-ca a; tls-min 1.2; ${group('')}`,
  `max-sessions 9; login-timeout 9; max-size 9G; ${group('')}`,
];

/** And stricter where a value would silently be taken for 0. */
const refusedByUsOnly: readonly string[] = [group('backup-generations x;'), `lock-timeout x; ${group('')}`];

function theyAccept(text: string): boolean {
  writeFileSync(join(top, 'csync2.cfg'), text);
  const env = { ...process.env, CSYNC2_SYSTEM_DIR: top };
  const { status, stderr } = spawnSync(program, ['-N', 'a', '-D', top, '-L'], { env, encoding: 'latin1', cwd: top });
  // 2: nothing to list. A configuration without this host is refused for that reason only.
  return status === 2 || stderr.includes('is not a member of any configured group');
}

function weAccept(text: string): boolean {
  try {
    parseConfig('csync2.cfg', (path) => {
      if (path === 'csync2.cfg') return Buffer.from(text, 'latin1');
      if (path === `${top}/included`) return Buffer.from('ignore uid;');
      if (path === `${top}/included2`) return Buffer.from('include /x;');
      throw Object.assign(new Error('not there'), { code: 'ENOENT' });
    });
    return true;
  } catch {
    return false;
  }
}

const tables: readonly (readonly [texts: readonly string[], we: boolean, they: boolean])[] = [
  [accepted, true, true],
  [refused, false, false],
  [acceptedByUsOnly, true, false],
  [refusedByUsOnly, false, true],
];

describe('compared with the C program', () => {
  for (const [texts, we, they] of tables) {
    for (const text of texts) {
      test(`${we ? 'accepted' : 'refused'}${we === they ? '' : ' by us only'}: ${text}`, (t) => {
        assert.equal(weAccept(text), we);
        if (!existsSync(program)) return t.skip('skipped: the C program is not installed');
        assert.equal(theyAccept(text), they);
      });
    }
  }
});
