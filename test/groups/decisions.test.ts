import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { except } from '../../src/groups/coverage.ts';
import { clusterOf, keyIn, name } from './clusterOf.ts';

const groupNames = (groups: readonly { name: string }[]): string => groups.map((group) => group.name).join(' ');

describe('covering', () => {
  const text = `
    group g { host a b; key k; include /data; exclude *.o; }
    group h { host a c; key k; include /data/x; compare /data/y; }
  `;

  test('the groups whose patterns cover a name, the last of the file first', () => {
    const cluster = clusterOf(text);
    assert.equal(groupNames(cluster.covering(name('/data/x/1'))), 'h g');
    assert.equal(groupNames(cluster.covering(name('/data/x/1.o'))), 'h');
    assert.equal(groupNames(cluster.covering(name('/data/y'))), 'g');
    assert.equal(groupNames(cluster.covering(name('/etc'))), '');
  });

  test('in compare mode also by compare patterns, and only with a wanted peer', () => {
    assert.equal(groupNames(clusterOf(text).covering(name('/data/y'), true)), 'h g');
    const wanted = clusterOf(text, 'a', { peers: ['c', 'nix'] });
    assert.equal(groupNames(wanted.covering(name('/data/y'), true)), 'h');
    assert.equal(groupNames(wanted.covering(name('/data/x'))), 'h g', 'not outside of compare mode');
  });

  test('coverage agrees, directory by directory', () => {
    const coverage = clusterOf(text).coverage();
    assert.equal(coverage.covers(name('/data/x/1.o')), true);
    assert.equal(coverage.covers(name('/data/1.o')), false);
    assert.equal(coverage.mayContain(name('/')), true);
    assert.equal(coverage.mayContain(name('/data')), true);
    assert.equal(coverage.mayContain(name('/etc')), false);
    const root = coverage.enter(name('/'));
    assert.equal(root.mayContain('data'), true);
    assert.equal(root.covers('data'), true);
    assert.equal(root.mayContain('etc'), false);
    assert.equal(root.enter('etc').covers('hosts'), false);
    const data = root.enter('data');
    assert.equal(data.covers('1.o'), false);
    assert.equal(data.enter('x').covers('1.o'), true);
    assert.equal(data.enter('z').covers('1.o'), false);
    assert.equal(data.enter('z').covers('1.c'), true);
    assert.equal(
      clusterOf(text, 'a', { peers: ['c'] })
        .coverage(true)
        .covers(name('/data/z')),
      false,
    );
    assert.equal(clusterOf(text, 'z').coverage().enter(name('/')).mayContain('data'), false);
  });
});

test('a coverage without some names, and what is below them', () => {
  const names = ['/a/b', '/c', '%p%'].map(name);
  const config = 'prefix p { on *: /p; }\ngroup g { host a b; key k; include /*; include %p%; }';
  const coverage = except(clusterOf(config).coverage(), names);
  for (const [path, covered] of [
    ['/a', true],
    ['/a/b', false],
    ['/a/b/x', false],
    ['/a/bc', true],
    ['/c', false],
    ['/c/d/e', false],
    ['/c0', true],
    ['/d/c', true],
    ['%p%', false],
    ['%p%/x', false],
  ] as const) {
    assert.equal(coverage.covers(name(path)), covered, path);
    assert.equal(coverage.mayContain(name(path)), covered, path);
    const [directory, base] = [path.slice(0, path.lastIndexOf('/')) || '/', path.slice(path.lastIndexOf('/') + 1)];
    if (!path.includes('/')) continue;
    assert.equal(coverage.enter(name(directory)).covers(base), covered, path);
    const steps = directory === '/' ? [] : directory.split('/').slice(1);
    const start = path.startsWith('/') ? coverage.enter(name('/')) : coverage.enter(name('%p%'));
    const reached = steps.reduce((inside, step) => inside.enter(step), start);
    assert.deepEqual([reached.covers(base), reached.mayContain(base)], [covered, covered], path);
  }
});

describe('permission', () => {
  const text = `
    group masters { host a b (s); key k; include /data; }
    group second { host a s (b); key l; include /data/l; }
    group same { host a (b) s; key k; include /data; }
    group other { host a c; key k; include /other; compare /compared; }
  `;
  const cluster = clusterOf(text);
  const cases: readonly (readonly [peer: string, key: string, name: string, permission: string])[] = [
    ['b', 'k', '/data/x', 'granted'],
    ['s', 'k', '/data/x', 'granted'],
    ['b', 'l', '/data/l/x', 'slave'],
    ['s', 'l', '/data/l/x', 'granted'],
    ['b', 'l', '/data/x', 'denied'],
    ['c', 'k', '/data/x', 'denied'],
    ['c', 'k', '/other', 'granted'],
    ['C', 'k', '/other', 'denied'],
    ['a', 'k', '/other', 'denied'],
    ['b', 'wrong', '/data/x', 'denied'],
    ['b', 'k', '/other', 'denied'],
    ['b', 'k', '/data/../data/x', 'denied'],
    ['b', 'k', '/data//x', 'denied'],
    ['b', 'k', '/data/x\0', 'denied'],
    ['c', 'k', '/compared', 'denied'],
  ];
  for (const [peer, key, file, permission] of cases) {
    test(`${peer} with key ${key} on ${JSON.stringify(file)}: ${permission}`, () => {
      assert.equal(cluster.permission(peer, keyIn(key), name(file)), permission);
    });
  }

  test('a slave in one group only is refused as a slave', () => {
    const one = clusterOf('group g { host a b (s); key k; include /data; }');
    assert.equal(one.permission('s', keyIn('k'), name('/data')), 'slave');
  });

  test('compare patterns count in compare mode', () => {
    assert.equal(cluster.permission('c', keyIn('k'), name('/compared'), true), 'granted');
  });
});

describe('who hears of a change', () => {
  const cluster = clusterOf(`
    group g { host b a@one c; key k; include /data; }
    group h { host a@two c d; key l; include /data/x; }
  `);
  const peersFor = (file: string, from?: string): string =>
    cluster
      .peersFor(name(file), from)
      .map(({ peer, myname }) => `${peer}<${myname}`)
      .sort()
      .join(' ');

  test('each peer once, under our name in the covering group that stands last in the file', () => {
    assert.equal(peersFor('/data/x'), 'b<one c<two d<two');
    assert.equal(peersFor('/data/y'), 'b<one c<one');
    assert.equal(peersFor('/etc'), '');
  });

  test('for a change from a peer, only in groups that have it', () => {
    assert.equal(peersFor('/data/x', 'b'), 'b<one c<one');
    assert.equal(peersFor('/data/x', 'd'), 'c<two d<two');
    assert.equal(peersFor('/data/x', 'c'), 'b<one c<two d<two');
    assert.equal(peersFor('/data/x', 'z'), '');
  });

  test('the group whose key goes along', () => {
    assert.equal(cluster.groupFor('c', name('/data/x'))?.name, 'h');
    assert.equal(cluster.groupFor('b', name('/data/x'))?.name, 'g');
    assert.equal(cluster.groupFor('d', name('/data/y')), undefined);
  });

  test('what a pair shares', () => {
    assert.equal(cluster.sharedWith('c', [keyIn('k')]).covers(name('/data/x')), true);
    assert.equal(cluster.sharedWith('c', [keyIn('l'), 'wrong']).covers(name('/data/y')), false);
    assert.equal(cluster.sharedWith('d', [keyIn('k')]).covers(name('/data/x')), false);
    assert.equal(cluster.sharedWith('c', [keyIn('k'), keyIn('l')], 'one').covers(name('/data/y')), true);
    assert.equal(cluster.sharedWith('c', [keyIn('k'), keyIn('l')], 'two').covers(name('/data/y')), false);
  });
});

describe('conflicts', () => {
  const cluster = clusterOf(`
    group g { host b a c; key k; include /data; auto left; }
    group h { host a (b); key k; include /data/x; auto younger; }
    group i { host (a) (b); key k; include /data/y; }
    group j { host a d; key k; include /data; auto first; }
  `);
  const cases: readonly (readonly [
    peer: string,
    name: string,
    auto: string,
    side: string | undefined,
    slave: boolean,
  ])[] = [
    ['b', '/data', 'left', 'left', false],
    ['c', '/data', 'left', 'right', false],
    ['b', '/data/x', 'younger', 'right', true],
    ['c', '/data/x', 'left', 'right', false],
    ['b', '/data/y', 'none', 'right', false],
    ['d', '/data', 'first', 'right', false],
    ['z', '/data', 'none', undefined, false],
  ];
  for (const [peer, file, auto, peerSide, peerIsOurSlave] of cases) {
    test(`${peer} about ${file}: ${auto}, ${peerSide ?? 'on no side'}${peerIsOurSlave ? ', our slave' : ''}`, () => {
      assert.deepEqual(cluster.conflictRule(peer, name(file)), { peerIsOurSlave, auto, peerSide });
    });
  }
});

describe('actions', () => {
  const cluster = clusterOf(`group g { host a b; key k; include /data;
    action { exec remote; }
    action { exec both; logfile /log; do-local; }
    action { exec local; do-local-only; }
    action { pattern /data/*.c; exec c; exec "c 2"; do-local; }
    action { pattern x.h; exec never; do-local; }
    action { pattern /data/dir/; exec never; do-local; }
    action { pattern /data/**.d /nix; exec d; do-local; }
  }
  group h { host a c; key k; include /data/h; action { exec h; do-local; } }`);
  const commands = (file: string, origin: 'local' | 'remote'): string =>
    cluster
      .actionsFor(name(file), origin)
      .map(({ command, logfile }) => (logfile === '/dev/null' ? command : `${command}>${logfile}`))
      .join(', ');

  test('where a change was made decides', () => {
    assert.equal(commands('/data/x', 'remote'), 'remote, both>/log');
    assert.equal(commands('/data/x', 'local'), 'both>/log, local');
  });

  test('patterns are path patterns, also without a slash', () => {
    assert.equal(commands('/data/a.c', 'local'), 'both>/log, local, c, c 2');
    assert.equal(commands('/data/x.h', 'local'), 'both>/log, local');
    assert.equal(commands('/data/sub/a.c', 'local'), 'both>/log, local');
    assert.equal(commands('/data/sub/a.d', 'local'), 'both>/log, local, d');
    assert.equal(commands('/data/dir/x', 'local'), 'both>/log, local');
  });

  test('of all covering groups', () => {
    assert.equal(commands('/data/h', 'remote'), 'h, remote, both>/log');
    assert.equal(commands('/etc', 'remote'), '');
  });
});

test('backups: every covering group that keeps at least one', () => {
  const cluster = clusterOf(`
    group g { host a; key k; include /data; backup-directory /g; }
    group h { host a; key k; include /data/x; backup-directory /h; backup-generations 2; }
    group i { host a; key k; include /data/x; backup-directory /i; backup-generations 1; }
    group j { host a; key k; include /data/x; }
  `);
  assert.deepEqual(cluster.backupsFor(name('/data/x')), [
    { directory: '/h', generations: 2 },
    { directory: '/g', generations: 3 },
  ]);
  assert.deepEqual(cluster.backupsFor(name('/etc')), []);
});

test('connections without TLS', () => {
  const cluster = clusterOf('nossl a *.net; nossl * c?;');
  const cases: readonly (readonly [from: string, to: string, plain: boolean])[] = [
    ['a', 'x.net', true],
    ['x.net', 'a', false],
    ['b', 'x.net', false],
    ['b', 'c1', true],
    ['b', 'c', false],
  ];
  for (const [from, to, plain] of cases) assert.equal(cluster.usesPlain(from, to), plain, `${from} ${to}`);
  assert.equal(clusterOf('').usesPlain('a', 'b'), false);
});
