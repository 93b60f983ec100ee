import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DiskPath } from '../../src/bytes/bytes.ts';
import { PrefixError } from '../../src/groups/cluster.ts';
import { isCleanName } from '../../src/groups/names.ts';
import { clusterOf, name } from './clusterOf.ts';

describe('clean names', () => {
  const clean = [
    '/',
    '/a',
    '/a/b',
    '/.a',
    '/..a',
    '/a..',
    '/...',
    '%p%',
    '%p%/a',
    '/%p%',
    '/a b',
    '/\xff',
    '/a\n',
    '%a b%/x',
  ];
  const unclean = [
    ...[
      '',
      'a',
      'a/b',
      './a',
      '..',
      '//',
      '//a',
      '/a/',
      '/a//b',
      '/.',
      '/..',
      '/a/.',
      '/a/..',
      '/./a',
      '/../a',
      '/a/../b',
    ],
    ...[
      '%',
      '%%',
      '%%/a',
      '%p',
      '%p/a',
      '%p%a',
      '%p%/',
      '%p%//a',
      '%p%/..',
      '%p%/../a',
      '%p%/a/.',
      '%a/b%/c',
      '/a\0',
      '/a\0b',
    ],
  ];
  for (const one of clean) test(JSON.stringify(one), () => assert.equal(isCleanName(one), true));
  for (const one of unclean) test(`not ${JSON.stringify(one)}`, () => assert.equal(isCleanName(one), false));
});

const text = `
  prefix home { on a: /export/home; on *: /home; }
  prefix data { on other: /x; }
  prefix logs { on *: /export/../var//log/; }
  prefix logs { on other: /y; }
  prefix root { on *: /; }
  prefix bob { on [ab]: /export/home/bob; }
`;

describe('prefixes', () => {
  const cluster = clusterOf(text);

  test('those with a location for this host, the first that matches, normalised', () => {
    assert.deepEqual(
      cluster.prefixes.map(({ name: prefix, path }) => `${prefix} ${path}`),
      ['home /export/home', 'logs /var/log', 'root /', 'bob /export/home/bob'],
    );
    assert.equal(clusterOf(text, 'b').prefixes[0]?.path, '/home');
  });

  test('defined twice, the last definition with a location counts', () => {
    assert.equal(clusterOf(text, 'other').prefixes.find((prefix) => prefix.name === 'logs')?.path, '/y');
  });

  test('host patterns are matched with the lower-cased name, as they stand', () => {
    assert.deepEqual(clusterOf('prefix p { on A: /x; }', 'A').prefixes, []);
  });

  const onDisk: readonly (readonly [name: string, path: string | undefined])[] = [
    ['/etc/hosts', '/etc/hosts'],
    ['%home%', '/export/home'],
    ['%home%/x/y', '/export/home/x/y'],
    ['%root%', '/'],
    ['%root%/etc', '/etc'],
    ['%home%/../etc', undefined],
    ['%home%x', undefined],
    ['etc', undefined],
  ];
  for (const [from, path] of onDisk) {
    test(`${from} is ${path ?? 'nowhere'}`, () => assert.equal(cluster.toDisk(name(from)), path));
  }

  test('a prefix without a location here is an error', () => {
    for (const prefix of ['data', 'unknown']) {
      assert.throws(
        () => cluster.toDisk(name(`%${prefix}%/x`)),
        (error) => error instanceof PrefixError && error.message === `Prefix '${prefix}' is not defined for host 'a'.`,
      );
    }
  });

  const named: readonly (readonly [path: string, names: string[]])[] = [
    ['/etc', ['/etc', '%root%/etc']],
    ['/', ['/', '%root%']],
    ['/export/home', ['/export/home', '%home%', '%root%/export/home']],
    ['/export/homes', ['/export/homes', '%root%/export/homes']],
    ['/export/home/bob/x', ['/export/home/bob/x', '%home%/bob/x', '%root%/export/home/bob/x', '%bob%/x']],
  ];
  for (const [path, names] of named) {
    test(`${path} is ${names.join(' and ')}`, () => assert.deepEqual(cluster.toNames(path as DiskPath), names));
  }

  test('below a directory', () => {
    assert.deepEqual(cluster.prefixesBelow('/export' as DiskPath), ['%home%', '%bob%']);
    assert.deepEqual(cluster.prefixesBelow('/export/home' as DiskPath), ['%bob%']);
    assert.deepEqual(cluster.prefixesBelow('/exp' as DiskPath), []);
    assert.deepEqual(cluster.prefixesBelow('/' as DiskPath), ['%home%', '%logs%', '%bob%']);
  });
});
