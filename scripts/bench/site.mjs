// Two hosts on loopback: a configuration, keys, databases and servers, below one directory.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measure, startServer } from './measure.mjs';

export const client = '127.2.1.1';
export const server = '127.2.1.2';
let nextPort = 21_000 + (process.pid % 5000);

/** Credentials that all sites share; making them takes a while. */
export function makeCredentials(directory) {
  mkdirSync(directory);
  writeFileSync(join(directory, 'bench.key'), 'bench'.repeat(12) + '\n', { mode: 0o600 });
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/O=csync2 bench'],
      ...['-keyout', join(directory, 'csync2_ssl_key.pem'), '-out', join(directory, 'csync2_ssl_cert.pem')],
    ],
    { stdio: 'ignore' },
  );
}

/**
 * `directory` must not exist. `tree` is what the client has and `copy` what the server has, under the same names.
 * `programs` has the paths of the one that asks and the one that serves.
 */
export class Site {
  constructor(directory, { credentials, tree, copy = tree, tls = false, programs }) {
    this.directory = directory;
    this.programs = programs;
    this.tree = tree;
    mkdirSync(directory);
    for (const host of [client, server]) mkdirSync(join(directory, host));
    cpSync(credentials, join(directory, 'etc'), { recursive: true });
    const lines = [
      ...(tls ? [] : ['nossl * *;']),
      `group bench { host ${client} ${server}; key bench.key; include %tree%; }`,
      `prefix tree { on ${client}: ${tree}; on ${server}: ${copy}; }`,
    ];
    writeFileSync(join(directory, 'etc/csync2.cfg'), lines.join('\n') + '\n');
    this.env = { CSYNC2_SYSTEM_DIR: join(directory, 'etc') };
    this.port = nextPort++;
  }

  /** Gives the server the database that the client has now. */
  copyDatabase() {
    for (const end of ['', '-wal']) {
      const from = join(this.directory, client, `${client}.db3${end}`);
      cpSync(from, join(this.directory, server, `${server}.db3${end}`), {
        recursive: true,
        force: true,
        errorOnExist: false,
      });
    }
  }

  command(program, host, args) {
    return [program, '-N', host, '-D', join(this.directory, host), '-p', String(this.port), ...args];
  }

  /** Runs the asking program without a server. */
  local(args, statuses) {
    return measure(this.command(this.programs.asks, client, args), { env: this.env, statuses });
  }

  onServer(args, statuses) {
    return measure(this.command(this.programs.serves, server, args), { env: this.env, statuses });
  }

  /** Runs the asking program while the other one serves; adds `serverMemory`. */
  async remote(args, statuses) {
    const command = this.command(this.programs.serves, server, ['-ii']);
    const running = await startServer(command, { env: this.env, host: server, port: this.port });
    let measured;
    try {
      measured = this.local(args, statuses);
    } finally {
      const memory = await running.stop();
      if (measured !== undefined) measured.serverMemory = memory;
    }
    return measured;
  }
}

/** An rsync daemon that serves `module` at `path`. */
export async function rsyncServer(directory, path) {
  mkdirSync(directory);
  const port = nextPort++;
  const config = join(directory, 'rsyncd.conf');
  const lines = ['use chroot = no', 'uid = 0', 'gid = 0', '[bench]', `path = ${path}`, 'read only = no'];
  writeFileSync(config, lines.join('\n') + '\n');
  const args = ['--daemon', '--no-detach', `--config=${config}`, `--address=${server}`, `--port=${port}`];
  const running = await startServer(['rsync', ...args], { host: server, port });
  return { url: `rsync://${server}:${port}/bench/`, stop: () => running.stop() };
}
