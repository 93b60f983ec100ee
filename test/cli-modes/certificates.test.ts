import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { certificateFacts, expiryWarning } from '../../src/cli/certificate.ts';
import { isListening, until } from '../scenarios/harness/process.ts';
import { Cluster, program, start } from './cluster.ts';

const c = '/usr/sbin/csync2';

test('--make-cert makes a key and a self-signed certificate, once', (t) => {
  const host = new Cluster(t, 1).host(1);
  const made = host.run('-v', '--make-cert');
  assert.equal(made.code, 0, made.stderr);
  const key = join(host.etc, 'csync2_ssl_key.pem');
  const file = join(host.etc, 'csync2_ssl_cert.pem');
  assert.equal(statSync(key).mode & 0o777, 0o600);
  const certificate = new X509Certificate(readFileSync(file));
  assert.equal(certificate.subjectAltName, `IP Address:${host.name}`);
  assert.equal(certificate.checkIssued(certificate), true);
  assert.equal(certificate.verify(certificate.publicKey), true);
  assert.equal(certificate.checkPrivateKey(createPrivateKey(readFileSync(key))), true);
  assert.ok((certificate.publicKey.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048);
  assert.ok(Date.parse(certificate.validTo) - Date.now() > 10 * 365 * 86_400_000);

  const before = [key, file].map((path) => readFileSync(path, 'utf8'));
  const again = host.run('--make-cert');
  assert.equal(again.code, 1);
  assert.match(again.stderr, /csync2_ssl_key\.pem exists already/);
  assert.deepEqual(
    [key, file].map((path) => readFileSync(path, 'utf8')),
    before,
  );

  rmSync(key);
  assert.equal(host.run('--make-cert').code, 1);
  assert.equal(existsSync(key), false);
});

test('a directory that is not there is named', (t) => {
  const host = new Cluster(t, 1).host(1);
  rmSync(host.etc, { recursive: true });
  const { code, stderr } = host.run('--make-cert');
  assert.equal(code, 1);
  assert.match(stderr, /Cannot write .*csync2_ssl_key\.pem: No such file or directory\. CSYNC2_SYSTEM_DIR /);
});

test('peers are remembered, listed, forgotten; a changed certificate says how to accept it', async (t) => {
  const cluster = new Cluster(t, 2);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  cluster.configureOne('', true);
  for (const host of cluster.hosts) host.run('--make-cert');
  assert.equal(one.run('--ls-ssl-cert').code, 2);
  one.write('a', 'first');
  await two.serve();
  const pushed = one.run('-x');
  assert.equal(pushed.code, 0, pushed.stderr);

  const { fingerprint256 } = new X509Certificate(readFileSync(join(two.etc, 'csync2_ssl_cert.pem')));
  const listed = one.run('--ls-ssl-cert');
  assert.equal(listed.code, 0);
  assert.match(
    listed.stdout,
    new RegExp(`^${two.name}\t20\\d\\d-\\d\\d-\\d\\d\t${fingerprint256}\tCN=csync2, IP Address:${two.name}\n$`),
  );
  assert.equal(one.run('--ls-ssl-cert', two.name.toUpperCase()).stdout, listed.stdout);
  assert.equal(one.run('--ls-ssl-cert', 'nobody').code, 2);
  assert.equal(one.json('--ls-ssl-cert')[0]?.['fingerprint'], fingerprint256);

  for (const file of ['csync2_ssl_key.pem', 'csync2_ssl_cert.pem']) rmSync(join(two.etc, file));
  two.run('--make-cert');
  one.write('a', 'second');
  const refused = one.run('-x');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /Peer did provide a wrong SSL X509 certificate\./);
  assert.match(refused.stderr, new RegExp(`csync2 --rm-ssl-cert ${two.name}`));
  assert.equal(one.run('--rm-ssl-cert', two.name).code, 0);
  assert.equal(one.run('--rm-ssl-cert', two.name).code, 1);
  const accepted = one.run('-x');
  assert.equal(accepted.code, 0, accepted.stderr);
  assert.equal(readFileSync(join(two.tree, 'a'), 'utf8'), 'second');

  for (const file of ['csync2_ssl_key.pem', 'csync2_ssl_cert.pem']) rmSync(join(one.etc, file));
  one.run('--make-cert');
  one.write('a', 'third');
  // Times are whole seconds: trouble within the one of the last success does not count.
  await pause(1000);
  const unknown = one.run('-x');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /Identification failed!\n.*there: csync2 --rm-ssl-cert 127/);
  const status = one.run('--status');
  assert.equal(status.code, 2, status.stdout);
  assert.match(status.stdout, /^CRITICAL: .*Identification failed! .*there: csync2 --rm-ssl-cert 127/);
});

test(
  'two hosts of the C program can use them',
  { skip: existsSync(c) ? false : 'skipped: no C program' },
  async (t) => {
    const cluster = new Cluster(t, 2);
    const [one, two] = [cluster.host(1), cluster.host(2)];
    cluster.configureOne('', true);
    for (const host of cluster.hosts) host.run('--make-cert');
    one.write('a', 'x');
    const server = spawn(c, ['-iii', ...two.ownOptions], { env: two.env, stdio: 'ignore' });
    const ended = once(server, 'exit');
    assert.ok(await until(() => isListening(two.name, cluster.port), 20_000));
    const { code, stderr } = start(c, [...one.ownOptions, '-x'], one.env);
    await ended;
    assert.equal(code, 0, stderr);
    assert.equal(readFileSync(join(two.tree, 'a'), 'utf8'), 'x');
  },
);

test('without a certificate a run says how to make one', async (t) => {
  const cluster = new Cluster(t, 2);
  cluster.configureOne('', true);
  cluster.host(2).run('--make-cert');
  await cluster.host(2).serve();
  cluster.host(1).write('a', 'x');
  const { code, stderr } = cluster.host(1).run('-x');
  assert.equal(code, 1);
  assert.match(stderr, /Cannot read .*csync2_ssl_key\.pem, which TLS connections need: .*'csync2 --make-cert'/);
});

test('a key or certificate that cannot be used is named, with what is wrong', async (t) => {
  const cluster = new Cluster(t, 2);
  cluster.configureOne('', true);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  for (const host of cluster.hosts) host.run('--make-cert');
  await two.serve();
  one.write('a', 'x');
  const key = join(one.etc, 'csync2_ssl_key.pem');
  const file = join(one.etc, 'csync2_ssl_cert.pem');
  const [goodKey, goodFile] = [readFileSync(key), readFileSync(file)];
  const refused = (reason: RegExp) => {
    const { code, stderr } = one.run('-x');
    assert.equal(code, 1);
    assert.match(stderr, reason);
    assert.match(stderr, /For a new one: rm \/.*key\.pem \/.*cert\.pem && csync2 --make-cert\./);
    writeFileSync(key, goodKey);
    writeFileSync(file, goodFile);
  };

  writeFileSync(file, 'junk');
  refused(/There is no certificate in .*csync2_ssl_cert\.pem, which TLS connections need\./);
  writeFileSync(key, 'junk');
  refused(/There is no private key that can be used in .*csync2_ssl_key\.pem, which TLS connections need\./);
  writeFileSync(key, readFileSync(join(two.etc, 'csync2_ssl_key.pem')));
  refused(
    /csync2_ssl_key\.pem is not the key of the certificate in .*csync2_ssl_cert\.pem, which TLS connections need\./,
  );
  assert.equal(one.run('-x').code, 0);
});

test('the end of a certificate is announced a month before', (t) => {
  const root = new Cluster(t, 1).root;
  const [key, file] = [join(root, 'key'), join(root, 'cert')];
  const made = start('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=x'],
    ...['-days', '40', '-keyout', key, '-out', file],
  ]);
  if (made.code !== 0) return t.skip('skipped: no openssl');
  const facts = certificateFacts(readFileSync(file));
  assert.ok(facts !== undefined);
  const inDays = (days: number) => expiryWarning(facts, 'certificate of x', Date.now() + days * 86_400_000);
  assert.equal(inDays(0), undefined);
  assert.match(inDays(15) ?? '', /^The certificate of x ends on \S+, in 24 days\.$/);
  assert.match(inDays(41) ?? '', /ended on/);
  writeFileSync(file, 'no certificate');
  assert.equal(certificateFacts(readFileSync(file)), undefined);
});

test('a run and a server say when the certificate of this host ends soon', async (t) => {
  const cluster = new Cluster(t, 2);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  cluster.configureOne('', true);
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=x',
  ];
  for (const { etc } of cluster.hosts) {
    const files = ['-keyout', join(etc, 'csync2_ssl_key.pem'), '-out', join(etc, 'csync2_ssl_cert.pem')];
    if (start('openssl', [...request, '-days', '20', ...files]).code !== 0) return t.skip('skipped: no openssl');
  }
  const warning = /^WARNING: The certificate of this host ends on \S+, in (19|20) days\. .*csync2 --make-cert.*\n/;
  one.write('a', 'x');
  await two.serve();
  const pushed = one.run('-x');
  assert.equal(pushed.code, 0);
  assert.match(pushed.stderr, warning);
  assert.equal(one.run('-x').stderr, '', 'nobody was connected to');
  await two.stop();
  const server = spawn(program, ['-iii', ...two.ownOptions], { env: two.env });
  const [said] = (await once(server.stderr, 'data')) as [Buffer];
  assert.match(said.toString(), warning);
  server.kill('SIGTERM');
  await once(server, 'exit');
});

test('keys that cannot be written whole are not there afterwards', (t) => {
  const host = new Cluster(t, 1).host(1);
  const keyFile = join(host.etc, 'new');
  for (const [options, file] of [
    [['-k', keyFile], keyFile],
    [[...host.ownOptions, '--make-cert'], join(host.etc, 'csync2_ssl_key.pem')],
  ] as const) {
    const limited = start('/bin/sh', ['-c', 'ulimit -f 0; exec "$@"', 'sh', program, ...options], host.env);
    assert.equal(limited.code, 1);
    assert.match(limited.stderr, /File too large/);
    assert.equal(existsSync(file), false);
    assert.equal(start(program, options, host.env).code, 0);
  }
});

test('a certificate that cannot be read is named where it is needed, and ends no server', async (t) => {
  const cluster = new Cluster(t, 2);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  cluster.configureOne('', true);
  for (const host of cluster.hosts) host.run('--make-cert');
  await two.serve();
  const config = join(two.etc, 'csync2.cfg');
  const written = readFileSync(config, 'latin1');
  mkdirSync(join(two.etc, 'certs'));
  writeFileSync(config, `ssl-cert certs;\nssl-key csync2_ssl_key.pem;\n${written}`);
  await two.hangUp(/Read the configuration again/);
  one.write('a', 'x');
  assert.equal(one.run('-x').code, 1);
  const status = two.run('--status');
  assert.equal(status.code, 2, status.stdout);
  assert.match(status.stdout, /^CRITICAL: This host has no usable certificate/);
  assert.match(status.stdout, /^database /m);
  await two.stop();
  await two.serve();
  await one.serve();
  two.write('b', 'x');
  assert.match(two.run('-x').stderr, /Cannot read .*\/certs, which TLS connections need: Is a directory/);
  writeFileSync(config, written);
  await two.hangUp(/Read the configuration again/);
  assert.equal(one.run('-x').code, 0);
});
