import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError } from '../../src/config/configError.ts';
import { configPath } from '../../src/config/configPath.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { configOf, failure, fileIn, type Files } from './reading.ts';

const group = 'group g { host a; key k; }';

test('a file is put in place of its config statement, outside of groups and inside', () => {
  const { groups, ignore } = configOf('config /one; group g { host a; config "/two"; key k; } config;', {
    '/one': 'ignore uid;',
    '/two': 'host b;\n# no line break at the end',
  });
  assert.equal(ignore.uid, true);
  assert.deepEqual(
    groups[0]?.hosts.map(({ name }) => name),
    ['a', 'b'],
  );
});

test('a file may hold part of a statement, but no part of a word', () => {
  const files = { '/one': 'group g { host a', '/two': 'key k; include /x' };
  assert.equal(configOf('config /one; b; key k; }', files).groups[0]?.hosts.length, 2);
  assert.deepEqual(configOf('group g { config /two;y; }', files).groups[0]?.patterns.length, 2, 'no word runs on');
});

test('config is a name where no statement can begin, and nothing in comments and strings', () => {
  const { groups } = configOf(
    'group config { host config; key config; include x config y "a; config z;"; } # config q;',
  );
  assert.deepEqual(
    groups[0]?.patterns.map(({ text }) => text),
    ['x', 'config', 'y', 'a; config z;'],
  );
});

const deep = (levels: number): Files =>
  Object.fromEntries(
    Array.from({ length: levels }, (_, index) => [
      `/${index + 1}`,
      index + 1 === levels ? 'ignore uid;' : `config /${index + 2};`,
    ]),
  );

test('ten files in each other, not more', () => {
  assert.equal(configOf('config /1;', deep(10)).ignore.uid, true);
  const error = failure('config /1;', deep(11));
  assert.equal(error.reason, 'Config includes nested too deeply.');
  assert.equal(error.file, '/10');
});

test('a file that includes itself', () => {
  assert.equal(failure('config csync2.cfg;').reason, 'Config includes nested too deeply.');
});

test('a relative file is looked for in the current directory, then beside the including file', () => {
  const read = (files: Files) => parseConfig('/etc/csync2.cfg', (path) => fileIn(files, path));
  const main = { '/etc/csync2.cfg': 'config d/one;' };
  assert.equal(read({ ...main, '/etc/d/one': 'config two;', '/etc/d/two': 'ignore uid;' }).ignore.uid, true);
  const { ignore } = read({ ...main, 'd/one': 'ignore gid;', '/etc/d/one': 'ignore uid;' });
  assert.deepEqual(ignore, { uid: false, gid: true, mod: false });
});

test('errors name the file that they are in', () => {
  const inside = failure(`${group}\nconfig /one;\n foo;`, { '/one': '\n\n foo;' });
  assert.match(inside.message, /^\/one:3:2: unknown statement 'foo'.*\n foo;\n \^$/);
  const behind = failure(`${group}\nconfig /one;\n foo;`, { '/one': 'ignore uid;' });
  assert.match(behind.message, /^csync2\.cfg:3:2: unknown statement/);
  const sameLine = failure('config /one; foo;', { '/one': 'ignore uid;' });
  assert.match(sameLine.message, /^csync2\.cfg:1:14: unknown statement/);
});

test('a file that is not there', () => {
  const error = failure(`\n  config nix;`);
  assert.equal(
    error.message,
    "csync2.cfg:2:3: Can't open included config file 'nix': No such file or directory\n  config nix;\n  ^",
  );
});

test('the main file is not there, or is none', (t) => {
  const top = mkdtempSync(join(tmpdir(), 'config-'));
  t.after(() => rmSync(top, { recursive: true }));
  const missing = join(top, 'csync2.cfg');
  const whyNot = (message: string) => (error: unknown) => error instanceof ConfigError && error.message === message;
  assert.throws(
    () => parseConfig(missing),
    whyNot(`Can not open config file \`${missing}': No such file or directory`),
  );
  mkdirSync(missing);
  assert.throws(() => parseConfig(missing), whyNot(`Can not open config file \`${missing}': Is a directory`));
  rmSync(missing, { recursive: true });
  writeFileSync(missing, group);
  assert.equal(parseConfig(missing).groups.length, 1);
});

test('names of configurations', () => {
  assert.equal(configPath('/etc', ''), '/etc/csync2.cfg');
  assert.equal(configPath('/etc', 'web2'), '/etc/csync2_web2.cfg');
  for (const name of ['Web', '../x', 'a_b', 'a.b', ' ', 'a\n']) {
    assert.throws(() => configPath('/etc', name), {
      name: 'ConfigError',
      message: 'Config names are limited to [a-z0-9]+.',
    });
  }
});
