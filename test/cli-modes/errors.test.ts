import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cluster, type Host, program, start } from './cluster.ts';

/** What, where, and what to do next. */
function refuses(host: Host, args: readonly string[], ...texts: RegExp[]): void {
  const { code, stderr } = host.run(...args);
  assert.equal(code, 1, stderr);
  for (const text of texts) assert.match(stderr, text, args.join(' '));
  assert.doesNotMatch(stderr, /\n +at /, 'no stack trace');
}

test('what is wrong with the configuration or its keys', (t) => {
  const host = new Cluster(t, 1).host(1);
  const config = join(host.etc, 'csync2.cfg');
  refuses(host, ['-L'], /Can not open config file `.*csync2\.cfg': No such file/, /CSYNC2_SYSTEM_DIR/);
  writeFileSync(config, `group g {\n  host ${host.name} other;\n  key none;\n  include /x;\n}\n`);
  refuses(host, ['-L'], /csync2\.cfg:3:7: Can't read keyfile .*none/, /csync2 -k FILE/);
  writeFileSync(config, `group g {\n  hosts ${host.name};\n}\n`);
  refuses(host, ['-L'], /csync2\.cfg:2:3: unknown statement 'hosts'/, /csync2\.cfg\(5\)/);
  writeFileSync(config, 'group g { host a b; key k; include /x; }\n');
  refuses(host, ['-x'], /is not a member of any configured group\./, /-N/);
});

test('what is wrong with the database', (t) => {
  const cluster = new Cluster(t, 2);
  cluster.configureOne();
  const host = cluster.host(1);
  refuses(host, ['-D', '/nonexistent', '-L'], /the directory \/nonexistent does not exist/, /-D/);
  refuses(host, ['-D', 'mysql://u:secret@127.0.0.1:1/x', '-L'], /mysql:\/\/u@127\.0\.0\.1:1\/x/, /database server/);
  refuses(host, ['-D', 'strange://x', '-L'], /Unknown database scheme: strange:\/\//, /DATABASES/);
  const file = join(host.db, 'junk.db3');
  writeFileSync(file, 'this is no database, whatever its name says'.repeat(100));
  refuses(host, ['-D', `sqlite3://${file}`, '-L'], /junk\.db3: the file is not an SQLite 3 database/, /-D/);
});

test('what is wrong with ports', async (t) => {
  const cluster = new Cluster(t, 1);
  cluster.configureOne();
  const host = cluster.host(1);
  refuses(host, ['-p', 'nosuch', '-ii'], /No such port: nosuch\. .*\/etc\/services/);
  const other = net.createServer().listen(cluster.port, host.name);
  await new Promise((resolve) => other.once('listening', resolve));
  t.after(() => other.close());
  refuses(host, ['-ii'], /Address already in use/, /systemctl stop csync2\.socket/);
});

test('a key file is never overwritten', (t) => {
  const host = new Cluster(t, 1).host(1);
  const key = join(host.etc, 'new');
  assert.equal(start(program, ['-k', key]).code, 0);
  assert.equal(statSync(key).mode & 0o777, 0o600);
  const before = readFileSync(key, 'utf8');
  assert.match(before, /^[A-Za-z0-9._]{64}\n$/);
  const again = start(program, ['-k', key]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /^Can't create key file: File (already )?exists \(.*new\)\n.*Remove it first/i);
  assert.equal(readFileSync(key, 'utf8'), before);
  mkdirSync(join(host.etc, 'd'));
  rmSync(join(host.etc, 'd'), { recursive: true });
  assert.match(
    start(program, ['-k', join(host.etc, 'd', 'k')]).stderr,
    /No such file or directory .*\n.*in a directory that is there/i,
  );
});

test('what is wrong with other arguments, and what the lock file is for', (t) => {
  const cluster = new Cluster(t, 2);
  cluster.configureOne();
  const host = cluster.host(1);
  refuses(
    host,
    ['-T', '127.6.1.2', '127.6.1.1'],
    /No group has 127\.6\.1\.2 and 127\.6\.1\.1/,
    /This host comes first/,
  );
  refuses(host, ['-W', '99', '-cr', '/'], /Invalid dump_dir_fd 99/, /open for writing/);
  writeFileSync(join(host.etc, 'csync2.lock'), '');
  refuses(host, ['-x'], /csync2 does nothing while that file is there.* remove it/);
  assert.equal(host.run('-x').stdout, `Found ${host.etc}/csync2.lock\n`);
});

test('-P with a name that is no peer: a warning, since nothing is sent there', (t) => {
  const cluster = new Cluster(t, 2);
  cluster.configureOne();
  const host = cluster.host(1);
  const { code, stderr } = host.run('-x', '-P', `127.6.1.9,${host.name}`);
  assert.equal(stderr, 'WARNING: 127.6.1.9, which -P names, is no peer of this host.\n');
  assert.equal(code, 0);
});

test('--help and --version are no errors, a missing mode is', () => {
  assert.equal(start(program, ['--help']).code, 0);
  assert.match(start(program, ['--version']).stdout, /^csync2 \d/);
  assert.equal(start(program, []).code, 1);
});

test('a mode with arguments or modes that do not fit says so', () => {
  for (const [args, complaint] of [
    [['--status', 'x'], 'these do not go together: --status x'],
    [['-x', '-f', '/a'], 'these do not go together: -x -f /a'],
    [['-v', '-k', '/nowhere/key'], '-k FILE takes no other option and no other argument'],
    [['--explain'], '--explain needs arguments'],
    [['/a'], 'say what to do with these files'],
  ] as const) {
    const { code, stderr } = start(program, args);
    assert.equal(code, 1);
    assert.equal(stderr, `csync2: ${complaint}\n`);
  }
});

test('a session of -i that comes to nothing for what is wrong here ends with 1, as in the C program', (t) => {
  const cluster = new Cluster(t, 2);
  cluster.configureOne();
  const host = cluster.host(1);
  const serve = () => {
    const env = { ...process.env, CSYNC2_SYSTEM_DIR: host.etc, SSH_CLIENT: '127.0.0.1 1 22' };
    const args = ['-i', '-N', host.name, '-D', host.db];
    return spawnSync(program, args, { env, input: 'CONFIG \nBYE\n', encoding: 'latin1', timeout: 30_000 });
  };
  const good = serve();
  assert.deepEqual([good.status, good.stdout], [0, 'OK (cmd_finished).\nOK (cu_later).\n']);
  writeFileSync(join(host.etc, 'csync2.cfg'), 'group g {\n');
  const bad = serve();
  const reply = 'There is trouble with the configuration or the database of this server: its log says more.\n';
  assert.deepEqual([bad.status, bad.stdout], [1, reply]);
});
