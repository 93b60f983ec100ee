import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KeyError, NotAMemberError, type Cluster } from '../../src/groups/cluster.ts';
import { isSameKey } from '../../src/groups/keys.ts';
import { clusterOf, keyIn } from './clusterOf.ts';

const peers = (cluster: Cluster): string[] =>
  cluster.groups.flatMap((group) =>
    group.peers.map(({ name, slave, side }) => `${name} ${side}${slave ? ' slave' : ''}`),
  );

describe('groups', () => {
  test('only those with this host, the last of the file first', () => {
    const cluster = clusterOf('group g { host a b; key k; } group h { host b c; key k; } group i { host c a; key k; }');
    assert.deepEqual(
      cluster.groups.map(({ name }) => name),
      ['i', 'g'],
    );
    assert.equal(cluster.isMember, true);
    assert.deepEqual(cluster.peers, ['c', 'b']);
  });

  test('the own name is compared in lower case', () => {
    const cluster = clusterOf('group g { host web1 B; key k; }', 'WEB1');
    assert.equal(cluster.host, 'web1');
    assert.deepEqual(cluster.peers, ['b']);
  });

  test('a host that is in none', () => {
    const cluster = clusterOf('group g { host a b; key k; }', 'z');
    assert.equal(cluster.isMember, false);
    assert.deepEqual(cluster.peers, []);
    assert.equal(new NotAMemberError('z').message, 'This host (z) is not a member of any configured group.');
  });

  test('the part after @ names this host for the group, and its peers', () => {
    const cluster = clusterOf('group g { host a@a-eth b@b-eth; key k; }');
    assert.equal(cluster.groups[0]?.myname, 'a-eth');
    assert.deepEqual(cluster.peers, ['b-eth']);
    assert.equal(clusterOf('group g { host a@a-eth b; key k; }', 'a-eth').isMember, false);
  });

  test('peers before this host are on its left, those behind it on its right', () => {
    assert.deepEqual(peers(clusterOf('group g { host c b; host a d (e); key k; }')), [
      'c left',
      'b left',
      'd right',
      'e right slave',
    ]);
  });

  test('this host mentioned twice: the last name counts, the first place', () => {
    const cluster = clusterOf('group g { host b a@one c a@two d; key k; }');
    assert.equal(cluster.groups[0]?.myname, 'two');
    assert.deepEqual(peers(cluster), ['b left', 'c right', 'd right']);
  });

  test('this host as a slave', () => {
    assert.equal(clusterOf('group g { host b (a); key k; }').groups[0]?.slave, true);
    assert.equal(clusterOf('group g { host b (c) a; key k; }').groups[0]?.slave, false);
  });

  test('a list of groups leaves out the others', () => {
    const text = 'group g { host a b; key k; } group h { host a c; key k; }';
    assert.deepEqual(clusterOf(text, 'a', { groups: ['h', 'nix'] }).peers, ['c']);
    assert.equal(clusterOf(text, 'a', { groups: ['nix'] }).isMember, false);
  });

  test('pairs: each own name and peer once, with all their keys', () => {
    const cluster = clusterOf(`
      group g { host a b; key k; } group h { host a b c; key l; } group i { host a@x b; key m; } group j { host a b; key k; }
    `);
    assert.deepEqual(
      cluster.pairs.map(({ myname, peer, keys }) => `${myname} ${peer} ${keys.map((key) => key[4]).join('')}`),
      ['a b kl', 'x b m', 'a c l'],
    );
  });
});

describe('keys', () => {
  const read = (text: string) =>
    clusterOf('group g {\n host a b;\n key k;\n}', 'a', { readKey: () => Buffer.from(text) });
  const failure = (message: string) => (error: unknown) => error instanceof KeyError && error.message === message;

  test('the first line of the file', () => {
    const key = '0123456789abcdefABCDEF._01234567';
    assert.equal(read(`${key}\nmore`).groups[0]?.key, key);
    assert.equal(read(key).groups[0]?.key, key);
  });

  test('relative to the system directory', () => {
    const paths: string[] = [];
    const readKey = (path: string): Buffer => {
      paths.push(path);
      return Buffer.from(keyIn('k'));
    };
    clusterOf('group g { host a; key k; } group h { host a; key /x/k; } group z { host z; key no; }', 'a', { readKey });
    assert.deepEqual(paths, ['/etc/k', '/x/k']);
  });

  test('of a group without this host need not be there', () => {
    const text = 'group g { host a; key k; } group h { host b; key /nowhere/k; } group i { host a; key /nowhere/k; }';
    const readKey = (path: string): Buffer => {
      if (path.startsWith('/nowhere')) throw Object.assign(new Error('not there'), { code: 'ENOENT' });
      return Buffer.from(keyIn('k'));
    };
    assert.equal(clusterOf(text, 'a', { readKey, groups: ['g', 'h'] }).groups.length, 1);
    assert.throws(
      () => clusterOf(text, 'a', { readKey }),
      failure("csync2.cfg:1:86: Can't read keyfile /nowhere/k. (No such file or directory)"),
    );
  });

  const bad: readonly (readonly [text: string, message: string])[] = [
    ['short', 'Key in file /etc/k is too short.'],
    ['', 'Key in file /etc/k is too short.'],
    ['x'.repeat(31), 'Key in file /etc/k is too short.'],
    ['x'.repeat(32) + '-', "Unallowed character '-' in key file /etc/k."],
    ['x'.repeat(32) + ' ', "Unallowed character ' ' in key file /etc/k."],
    ['x'.repeat(32) + '\r\n', "Unallowed character '\\r' in key file /etc/k."],
  ];
  for (const [text, message] of bad) {
    test(message, () => assert.throws(() => read(text), failure(`csync2.cfg:3:6: ${message}`)));
  }

  test('are compared whole', () => {
    assert.equal(isSameKey('abc', 'abc'), true);
    for (const other of ['', 'ab', 'abcd', 'abd', 'xbc', 'abc\0', 'ab\0']) assert.equal(isSameKey('abc', other), false);
    assert.equal(isSameKey('abc\0', 'abc'), false);
  });

  test('take as long to compare wherever they differ', () => {
    const length = 200_000;
    const key = 'k'.repeat(length);
    const others = [`x${key.slice(1)}`, `${key.slice(1)}x`, key];
    // The least of several times is what the machine needs when it has nothing else to do.
    const times = others.map(() => Infinity);
    for (let round = 0; round < 30; round++) {
      for (const [at, other] of others.entries()) {
        const begin = performance.now();
        isSameKey(key, other);
        times[at] = Math.min(times[at] as number, performance.now() - begin);
      }
    }
    assert.ok(Math.max(...times) < 5 * Math.min(...times), times.join());
  });
});
