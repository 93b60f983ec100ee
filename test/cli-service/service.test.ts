import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cluster, has, program, start, top } from '../cli-modes/cluster.ts';
import { isListening, until } from '../scenarios/harness/process.ts';

describe('installation', () => {
  const root = mkdtempSync(join(tmpdir(), 'csync2-install-'));
  // DESTDIR keeps /var/lib/csync2 below the scratch directory too.
  const env = { ...process.env, DESTDIR: root };
  const prefix = '/opt/csync2';
  const path = (name: string): string => join(root, prefix, name);
  const script = (name: string, ...args: string[]) => start(join(top, 'scripts', name), args, env);

  before(() => {
    mkdirSync(path('bin'), { recursive: true });
    writeFileSync(path('bin/other'), '');
    const { code, stderr } = script('install', '--prefix', prefix);
    assert.equal(code, 0, stderr);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  test('the programs run where they were put', () => {
    assert.match(start(path('bin/csync2'), ['--version']).stdout, /^csync2 \d/);
    assert.match(start(path('bin/csync2-compare'), ['--version']).stdout, /^csync2-compare \d/);
    const etc = join(root, 'etc');
    mkdirSync(etc);
    const made = start(path('bin/csync2'), ['--make-cert'], { ...process.env, CSYNC2_SYSTEM_DIR: etc });
    assert.equal(made.code, 0, made.stderr);
    writeFileSync(join(etc, 'k'), 'k'.repeat(40), { mode: 0o600 });
    writeFileSync(join(etc, 'csync2.cfg'), 'group g { host a b; key k; include /nothing; }');
    const listed = start(path('bin/csync2'), ['-N', 'a', '-D', root, '-L'], { ...process.env, CSYNC2_SYSTEM_DIR: etc });
    assert.equal(listed.code, 2, listed.stderr);
  });

  test('units and examples name the program', () => {
    for (const file of ['lib/systemd/system/csync2.service', 'share/doc/csync2/csync2.xinetd']) {
      const text = readFileSync(path(file), 'utf8');
      assert.match(text, /\/opt\/csync2\/bin\/csync2/);
      assert.doesNotMatch(text, /@bindir@/);
    }
  });

  test('systemd has nothing to say against the units', (t) => {
    if (!has('systemd-analyze')) return t.skip('skipped: no systemd-analyze');
    for (const unit of ['csync2.socket', 'csync2.service']) {
      // The program is not where the unit will find it, and nor are the manual pages.
      const text = readFileSync(path(`lib/systemd/system/${unit}`), 'utf8');
      const here = join(root, unit);
      writeFileSync(here, text.replaceAll(prefix, path('')).replace(/^Documentation=.*\n/m, ''));
      const template = readFileSync(path('lib/systemd/system/csync2@.service'), 'utf8');
      writeFileSync(join(root, 'csync2@.service'), template.replaceAll(prefix, path('')).replace(/^Doc.*\n/m, ''));
      const { stdout, stderr } = start('systemd-analyze', ['verify', '--man=no', here]);
      assert.equal(stdout + stderr, '', unit);
    }
  });

  test('a dry run does nothing', () => {
    const dry = script('install', '--prefix', '/opt/elsewhere', '--dry-run');
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /elsewhere\/lib\/csync2\/dist\/csync2/);
    assert.equal(existsSync(join(root, 'opt/elsewhere')), false);
    assert.equal(script('uninstall', '--prefix', prefix, '--dry-run').code, 0);
    assert.equal(existsSync(path('bin/csync2')), true);
  });

  test('where the directory of the database cannot be made it says so, and can be taken away', () => {
    const destination = mkdtempSync(join(tmpdir(), 'csync2-install-'));
    writeFileSync(join(destination, 'var'), '');
    const there = { ...process.env, DESTDIR: destination };
    const installed = start(join(top, 'scripts/install'), ['--prefix', '/opt'], there);
    assert.equal(installed.code, 0, installed.stderr);
    assert.match(installed.stderr, /var\/lib\/csync2 could not be made: /);
    assert.equal(start(join(top, 'scripts/uninstall'), ['--prefix', '/opt'], there).code, 0);
    assert.equal(existsSync(join(destination, 'opt/lib')), false);
    rmSync(destination, { recursive: true });
  });

  test('what was installed is taken away, nothing else', () => {
    assert.equal(script('install', '--prefix', prefix).code, 0, 'a second time over the first');
    const { code, stderr } = script('uninstall', '--prefix', prefix);
    assert.equal(code, 0, stderr);
    assert.deepEqual(readdirSync(join(root, prefix), { recursive: true }).sort(), ['bin', 'bin/other']);
    assert.equal(script('uninstall', '--prefix', prefix).code, 1);
  });
});

describe('socket activation', () => {
  const missing = has('systemd-socket-activate') ? false : 'skipped: no systemd-socket-activate';
  const ways = [
    { name: 'a listening socket for -ii', options: [], mode: '-ii' },
    { name: 'a connection for each -i', options: ['--accept', '--inetd'], mode: '-i' },
  ];
  for (const { name, options, mode } of ways) {
    test(name, { skip: missing }, async (t) => {
      const cluster = new Cluster(t, 2);
      cluster.configureOne();
      const [one, two] = [cluster.host(1), cluster.host(2)];
      const server: ChildProcess = spawn(
        'systemd-socket-activate',
        [
          ...['-l', `${two.name}:${cluster.port}`, ...options, '-E', `CSYNC2_SYSTEM_DIR=${two.etc}`],
          ...['-E', `PATH=${process.env['PATH']}`, program, mode, '-N', two.name, '-D', two.db],
        ],
        { stdio: 'ignore' },
      );
      t.after(async () => {
        if (server.exitCode !== null) return;
        server.kill('SIGTERM');
        await once(server, 'exit');
      });
      assert.ok(await until(() => isListening(two.name, cluster.port), 20_000));
      one.write('a', 'by socket');
      const { code, stderr } = one.run('-x');
      assert.equal(code, 0, stderr);
      assert.equal(readFileSync(join(two.tree, 'a'), 'utf8'), 'by socket');
    });
  }
});

/** Plays systemd's part: prints a line for every datagram, then answers those who wait for it. */
const listener = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
print("listening", flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 8)
    for fd in fds: os.close(fd)
    print(data.decode().replace("\\n", " "), flush=True)
`;

test(
  'Type=notify: systemd is told when connections are accepted, and when the end has come',
  { skip: has('systemd-notify') && has('python3') ? false : 'skipped: no systemd-notify, or no python3 to listen' },
  async (t) => {
    const cluster = new Cluster(t, 1);
    cluster.configureOne();
    const host = cluster.host(1);
    const socket = join(cluster.root, 'notify');
    const systemd = spawn('python3', ['-c', listener, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => systemd.kill());
    const heard: string[] = [];
    systemd.stdout.on('data', (text: Buffer) => heard.push(...text.toString().split('\n')));
    assert.ok(await until(() => heard.includes('listening'), 20_000));
    const env = { ...host.env, NOTIFY_SOCKET: socket };
    const server = spawn(program, ['-ii', ...host.ownOptions], { env, stdio: 'ignore' });
    const told = (state: string): boolean =>
      heard.some((line) => line.includes(state) && line.includes(`MAINPID=${server.pid}`));
    assert.ok(await until(() => told('READY=1'), 20_000), heard.join());
    assert.ok(isListening(host.name, cluster.port));
    server.kill('SIGTERM');
    await once(server, 'exit');
    assert.ok(await until(() => told('STOPPING=1'), 20_000), heard.join());
  },
);
