import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { looseness } from '../../src/cli/secretFile.ts';
import type { TlsCredentials } from '../../src/transport/channel.ts';
import { Authority } from '../transport/authority.ts';
import { Cluster, type Host, program, start } from './cluster.ts';

const isRoot = process.geteuid?.() === 0;
const trusted = new Authority('the authority');

function install(host: Host, { key, certificate }: TlsCredentials): void {
  writeFileSync(join(host.etc, 'own.key'), key, { mode: 0o600 });
  writeFileSync(join(host.etc, 'own.pem'), certificate);
  writeFileSync(join(host.etc, 'ca.pem'), trusted.certificate);
}

const statements = 'ssl-cert own.pem; ssl-key own.key; ssl-ca ca.pem;\n';

/** Two hosts with an authority; the second one serves with a certificate of its own name. */
function pairWithAuthority(t: TestContext) {
  const cluster = new Cluster(t, 2);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  cluster.configure(`${statements}group g { host ${one.name} ${two.name}; key k; include %t%; }\n`);
  install(one, trusted.issue(one.name));
  install(two, trusted.issue(two.name));
  return { cluster, one, two };
}

test('with an authority nothing is remembered, and new certificates are no news', async (t) => {
  const { one, two } = pairWithAuthority(t);
  await two.serve();
  for (const round of ['first', 'second']) {
    one.write('a', round);
    const { code, stderr } = one.run('-x');
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    assert.equal(readFileSync(join(two.tree, 'a'), 'utf8'), round);
    install(one, trusted.issue(one.name));
    install(two, trusted.issue(two.name));
  }
  for (const host of [one, two]) assert.equal(host.run('--ls-ssl-cert').code, 2);
  assert.equal(one.run('-T').code, 2);
});

test('with an authority, whose certificate is not right gets nothing done, on either side', async (t) => {
  const { one, two } = pairWithAuthority(t);
  await two.serve();
  one.write('a', 'never');
  const wrong: readonly (readonly [issue: (name: string) => TlsCredentials, reason: RegExp])[] = [
    [() => trusted.issue('127.9.9.9'), /is for .*127\.9\.9\.9.*, not for/],
    [(name) => new Authority('another').issue(name), /signed by another authority/],
    [(name) => trusted.issue(name, -1), /it has expired/],
  ];
  for (const [issue] of wrong) {
    install(one, issue(one.name));
    const { code, stderr } = one.run('-x');
    assert.equal(code, 1);
    assert.match(stderr, /ERROR from peer .*Identification failed!/);
  }
  install(one, trusted.issue(one.name));
  for (const [issue, reason] of wrong) {
    install(two, issue(two.name));
    const { code, stderr } = one.run('-x');
    assert.equal(code, 1);
    assert.match(stderr, reason);
    assert.match(stderr, new RegExp(`The certificate that ${two.name} shows is refused: `));
  }
  assert.equal(two.run('--ls-ssl-cert').code, 2);
  install(two, trusted.issue(two.name));
  assert.equal(one.run('-x').code, 0);
});

test('a file that is named and not there, or is no certificate, is an error with the reason', async (t) => {
  const { one, two } = pairWithAuthority(t);
  await two.serve();
  one.write('a', 'x');
  writeFileSync(join(one.etc, 'ca.pem'), 'nonsense');
  assert.match(one.run('-x').stderr, /There is no certificate in .*ca\.pem, which 'ssl-ca' names\./);
  renameSync(join(one.etc, 'own.pem'), join(one.etc, 'gone'));
  const { stderr } = one.run('-u');
  assert.match(stderr, /Cannot read .*own\.pem, which TLS connections need: No such file or directory\./);
  assert.doesNotMatch(stderr, /--make-cert/);
});

test('SIGHUP: the server reads whom it trusts again, and keeps to what it had when it cannot', async (t) => {
  const { cluster, one, two } = pairWithAuthority(t);
  const group = `group g { host ${one.name} ${two.name}; key k; include %t%; }\n`;
  cluster.configure(statements + group);
  install(one, trusted.issue('127.9.9.9'));
  const written = readFileSync(join(two.etc, 'csync2.cfg'), 'latin1');
  writeFileSync(join(two.etc, 'csync2.cfg'), written.replace('ssl-ca ca.pem;', ''));
  await two.serve();
  one.write('a', 'one');
  assert.equal(one.run('-x').code, 0, 'remembered certificates');

  writeFileSync(join(two.etc, 'csync2.cfg'), written);
  one.write('a', 'twice');
  assert.equal(one.run('-x').code, 0, 'not read yet');
  await two.hangUp(/Read the configuration again/);
  one.write('a', 'for the third time');
  assert.match(one.run('-x').stderr, /Identification failed!/);

  writeFileSync(join(two.etc, 'csync2.cfg'), 'ssl-ca;\n' + written);
  await two.hangUp(/csync2\.cfg:1:7: .*[^]*stay as they were/);
  writeFileSync(join(two.etc, 'csync2.cfg'), written.replace('ssl-ca ca.pem;', ''));
  assert.match(one.run('-x').stderr, /Identification failed!/);
  await two.hangUp(/Read the configuration again/);
  assert.equal(one.run('-x').code, 0);
});

test('a server whose configuration is broken from the start encrypts with nobody', async (t) => {
  const { one, two } = pairWithAuthority(t);
  const named = readFileSync(join(two.etc, 'csync2.cfg'), 'latin1');
  for (const host of [one, two]) writeFileSync(join(host.etc, 'csync2_named.cfg'), named);
  writeFileSync(join(two.etc, 'csync2.cfg'), 'nonsense\n');
  await two.serve();
  one.write('a', 'x');
  const { code, stderr } = one.run('-C', 'named', '-x');
  assert.equal(code, 1, stderr);
  writeFileSync(join(two.etc, 'csync2.cfg'), named);
  await two.hangUp(/Read the configuration again/);
  assert.equal(one.run('-C', 'named', '-x').code, 0);
});

test('a key that others can read draws one line that says how to mend it, where keys are used', async (t) => {
  const cluster = new Cluster(t, 2);
  cluster.configureOne('', true);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  for (const host of cluster.hosts) host.run('--make-cert');
  await two.serve();
  one.write('a', 'x');
  const key = join(one.etc, 'k');
  const privateKey = join(one.etc, 'csync2_ssl_key.pem');
  assert.equal(one.run('-x').stderr, '');
  for (const path of [key, privateKey]) chmodSync(path, 0o644);
  one.write('a', 'longer');
  const { code, stderr } = one.run('-x');
  assert.equal(code, 0);
  const mend = (path: string): string => `WARNING: ${path} is not for its owner alone: chmod 600 ${path}\n`;
  assert.equal(stderr, mend(key) + mend(privateKey));
  for (const list of ['-L', '-M', '-H']) assert.equal(one.run(list).stderr, '', list);
  for (const path of [key, privateKey]) start('sh', ['-c', `chmod 600 ${path}`]);
  assert.equal(one.run('-u').stderr, '');
  if (!isRoot) return t.skip('skipped in part: needs root');
  chownSync(key, 4321, 4321);
  assert.equal(one.run('-T').stderr, `WARNING: ${key} belongs to user 4321: chown 0 ${key} && chmod 600 ${key}\n`);
});

test('so does a certificate that others can put another in the place of, of this host or of the authority', async (t) => {
  const { one, two } = pairWithAuthority(t);
  await two.serve();
  one.write('a', 'x');
  for (const file of ['own.pem', 'ca.pem']) chmodSync(join(one.etc, file), 0o664);
  const { code, stderr } = one.run('-x');
  assert.equal(code, 0);
  const mend = (file: string): string => {
    const path = join(one.etc, file);
    return `WARNING: ${path} can be changed by others: chmod go-w ${path}\n`;
  };
  assert.equal(stderr, mend('own.pem') + mend('ca.pem'));
  for (const file of ['own.pem', 'ca.pem']) start('sh', ['-c', `chmod go-w ${join(one.etc, file)}`]);
  assert.equal(one.run('-T').stderr, '');
});

test('whose certificates are loose', () => {
  const said = (uid: number, mode: number, user: number): string | undefined =>
    looseness({ uid, mode }, user, false)?.('f');
  for (const [uid, user] of [
    [0, 0],
    [0, 7],
    [7, 7],
  ] as const) {
    assert.equal(said(uid, 0o100644, user), undefined);
    for (const mode of [0o100664, 0o100646]) assert.match(said(uid, mode, user) ?? 'nothing', /chmod go-w f$/);
  }
  assert.match(said(7, 0o100644, 0) ?? 'nothing', /chown 0 f && chmod 644 f$/);
});

test('whose key files are loose', () => {
  const cases: readonly (readonly [uid: number, mode: number, user: number, loose: RegExp | undefined])[] = [
    [0, 0o100600, 0, undefined],
    [0, 0o100400, 0, undefined],
    [0, 0o100640, 0, /chmod 600/],
    [0, 0o100604, 0, /chmod 600/],
    [0, 0o100620, 0, /chmod 600/],
    [7, 0o100600, 0, /chown 0 .* chmod 600/],
    [7, 0o100600, 7, undefined],
    [7, 0o100640, 7, /chmod 600/],
    [0, 0o100640, 7, undefined],
    [0, 0o100644, 7, /chmod 640/],
    [8, 0o100644, 7, /chown 7/],
  ];
  for (const [uid, mode, user, loose] of cases) {
    const said = looseness({ uid, mode }, user)?.('f');
    if (loose === undefined) assert.equal(said, undefined);
    else assert.match(said ?? 'nothing', loose, `${uid} ${mode.toString(8)} ${user}`);
  }
});

test('why a key cannot be read', (t) => {
  const cluster = new Cluster(t, 1);
  const host = cluster.host(1);
  const refused = (file: string): string => {
    cluster.configure(`group g { host ${host.name} other; key ${file}; include %t%; }\n`);
    const { code, stderr } = host.run('-L');
    assert.equal(code, 1);
    return stderr;
  };
  mkdirSync(join(host.etc, 'd'));
  assert.match(refused('none'), /Can't read keyfile .*none\. \(No such file or directory\)/);
  assert.match(refused('d'), /Can't read keyfile .*d\. \(Is a directory\)/);
  assert.match(refused('k/k'), /Can't read keyfile .*k\. \(Not a directory\)/);
  if (!isRoot) return t.skip('skipped in part: needs root');
  cluster.configure(`group g { host ${host.name} other; key k; include %t%; }\n`);
  chmodSync(join(host.etc, 'k'), 0);
  // Root without the power to pass over modes; another user might not get as far as the program itself.
  const drop = ['--bounding-set=-dac_override,-dac_read_search', program, ...host.ownOptions, '-L'];
  const { stderr } = start('setpriv', drop, host.env);
  assert.match(stderr, /Can't read keyfile .*k\. \(Permission denied\)/);
});

test('tls-min of the configuration: who speaks less is refused', async (t) => {
  const cluster = new Cluster(t, 2);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  for (const host of cluster.hosts) host.run('--make-cert');
  const group = `group g { host ${one.name} ${two.name}; key k; include %t%; }\n`;
  cluster.configure(`tls-min 1.3;\n${group}`);
  await two.serve();
  one.write('a', 'x');
  const { code, stderr } = one.run('-x');
  assert.equal(code, 0, stderr);
  // Without it a server offers nothing above 1.2, for the sake of C programs.
  cluster.configure(group);
  await two.hangUp(/Read the configuration again/);
  one.write('a', 'another');
  assert.equal(one.run('-x').code, 0);
  const written = readFileSync(join(one.etc, 'csync2.cfg'), 'latin1');
  writeFileSync(join(one.etc, 'csync2.cfg'), `tls-min 1.3;\n${written}`);
  one.write('a', 'never');
  const refused = one.run('-x');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /protocol|version/i);
  assert.equal(readFileSync(join(two.tree, 'a'), 'utf8'), 'another');
});

test('the key of a group is in no message, however much is told', async (t) => {
  const cluster = new Cluster(t, 2);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  for (const host of cluster.hosts) host.run('--make-cert');
  cluster.configureOne('', true);
  one.write('a', 'x');
  one.write('b', 'x'.repeat(100_000));
  const key = readFileSync(join(one.etc, 'k'), 'latin1').trim();
  for (const args of [['-xvvvv'], ['-TTvvvv'], ['-T', one.name, two.name, '-vvvv']]) {
    const server = spawn(program, ['-iii', '-vvvv', ...two.ownOptions], {
      env: two.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let told = '';
    server.stderr.on('data', (chunk: Buffer) => (told += chunk.toString('latin1')));
    const ended = once(server, 'close');
    await once(server.stdout, 'data');
    const { stdout, stderr } = one.run(...args);
    await ended;
    for (const text of [stdout, stderr, told]) assert.equal(text.includes(key), false, args.join(' '));
    for (const text of [stderr, told]) assert.match(text, /(Local|Peer)> .* KEY/, args.join(' '));
  }
});
