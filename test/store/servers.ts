import { spawn, type ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { run } from './oracle.ts';

/** A throw-away database server on a loopback port and a local socket. */
export interface Server {
  readonly port: number;
  /** As the URL's `host` parameter wants it. */
  readonly socket: string;
  readonly directory: string;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Database servers refuse to run as root: then `user` runs them, and owns their directory. */
class Runner {
  readonly directory: string;
  readonly #user: string | undefined;

  constructor(name: string, user: string) {
    this.#user = process.getuid?.() === 0 ? user : undefined;
    this.directory = mkdtempSync(join(tmpdir(), `store-${name}-`));
    chmodSync(this.directory, 0o755);
  }

  command(program: string, args: readonly string[]): [string, string[]] {
    return this.#user === undefined ? [program, [...args]] : ['runuser', ['-u', this.#user, '--', program, ...args]];
  }

  async makeDirectory(name: string): Promise<string> {
    const path = join(this.directory, name);
    mkdirSync(path);
    if (this.#user !== undefined) await must('chown', [this.#user, path]);
    return path;
  }

  async must(program: string, ...args: string[]): Promise<void> {
    await must(...this.command(program, args));
  }

  start(program: string, ...args: string[]): ChildProcess {
    const [file, all] = this.command(program, args);
    return spawn(file, all, { stdio: 'ignore', cwd: this.directory });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function must(program: string, args: readonly string[]): Promise<void> {
  const outcome = await run(program, args);
  if (outcome.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${outcome.stderr || outcome.stdout}`);
}

async function untilReady(isReady: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await isReady()) return;
    await pause(100);
  }
  throw new Error('the server did not start');
}

function isListening(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => {
      connection.end();
      resolve(true);
    });
    connection.on('error', () => resolve(false));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

function postgresBin(): string | undefined {
  const top = '/usr/lib/postgresql';
  const versions = existsSync(top) ? readdirSync(top).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(top, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

export const postgresMissing = postgresBin() === undefined ? 'skipped: PostgreSQL is not installed' : false;

/** Superuser `postgres` with the password `pass@word`; TLS with a certificate for localhost. */
export async function startPostgres(): Promise<Server> {
  const bin = postgresBin() ?? '';
  const runner = new Runner('postgres', 'postgres');
  const data = join(await runner.makeDirectory('top'), 'data');
  const socket = await runner.makeDirectory('socket');
  writeFileSync(join(runner.directory, 'password'), 'pass@word\n');
  await runner.must(
    join(bin, 'initdb'),
    ...['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8', '-A', 'scram-sha-256', '-N'],
    `--pwfile=${join(runner.directory, 'password')}`,
  );
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', join(data, 'server.key'), '-out', join(data, 'server.crt')];
  await runner.must('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files);
  appendFileSync(join(data, 'postgresql.conf'), 'ssl = on\n');
  const port = await freePort();
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${socket}`,
    'fsync=off',
    'deadlock_timeout=100ms',
    'shared_buffers=32MB',
  ];
  const child = runner.start(join(bin, 'postgres'), '-D', data, ...settings.flatMap((setting) => ['-c', setting]));
  const ready = ['-h', '127.0.0.1', '-p', String(port), '-q'];
  await untilReady(async () => (await run(join(bin, 'pg_isready'), ready)).code === 0);
  return {
    port,
    socket,
    directory: data,
    stop: async () => {
      await runner.must(join(bin, 'pg_ctl'), 'stop', '-D', data, '-m', 'immediate');
      await end(child);
      runner.remove();
    },
  };
}

function find(names: readonly string[]): string | undefined {
  const directories = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin'];
  return names.flatMap((name) => directories.map((at) => join(at, name))).find((path) => existsSync(path));
}

const mysqld = find(['mariadbd', 'mysqld']);

export const mysqlMissing = mysqld === undefined ? 'skipped: neither MariaDB nor MySQL is installed' : false;

/**
 * A certificate for localhost, signed by an authority of its own, and one of a client: `authority`, `server`, `client`,
 * each `.pem` and `.key`.
 */
async function makeCertificates(runner: Runner, directory: string): Promise<void> {
  const at = (name: string): string[] => [
    '-keyout',
    join(directory, `${name}.key`),
    '-out',
    join(directory, `${name}.pem`),
  ];
  const fresh = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  const issuer = ['-CA', join(directory, 'authority.pem'), '-CAkey', join(directory, 'authority.key')];
  await runner.must('openssl', ...fresh, '-subj', '/CN=authority', ...at('authority'));
  for (const [name, subject] of [
    ['server', 'localhost'],
    ['client', 'csync2'],
  ] as const) {
    const names = ['-subj', `/CN=${subject}`, '-addext', `subjectAltName=DNS:${subject}`];
    await runner.must('openssl', ...fresh, ...issuer, ...names, '-addext', 'basicConstraints=CA:FALSE', ...at(name));
  }
  await runner.must('chmod', '644', join(directory, 'client.key'), join(directory, 'authority.pem'));
}

function tlsSettings(directory: string): string[] {
  const [ca, cert, key] = ['authority.pem', 'server.pem', 'server.key'].map((file) => join(directory, file));
  return [`--ssl-ca=${ca}`, `--ssl-cert=${cert}`, `--ssl-key=${key}`];
}

/**
 * User `csync2` with the password `pass@word`, who may do anything; the server's default character set is utf8mb4. With
 * `tls` the directory `certificates` next to the data's parent has an authority, a certificate for localhost and a client's.
 */
export async function startMysql({ tls = false } = {}): Promise<Server> {
  const runner = new Runner('mysql', 'mysql');
  const top = await runner.makeDirectory('top');
  const certificates = await runner.makeDirectory('certificates');
  if (tls) await makeCertificates(runner, certificates);
  const data = join(top, 'data');
  const socket = join(top, 'socket');
  // A start removes what looks like its own leftovers in the directory for temporary files: never those of another server.
  const places = [`--datadir=${data}`, `--tmpdir=${top}`];
  const install = find(['mariadb-install-db', 'mysql_install_db']);
  if (install) {
    const how = ['--auth-root-authentication-method=normal', '--skip-test-db'];
    await runner.must(install, '--no-defaults', ...places, ...how);
  } else await runner.must(mysqld ?? '', '--no-defaults', '--initialize-insecure', ...places);
  const init = join(runner.directory, 'init.sql');
  const accounts = ['127.0.0.1', 'localhost'].map((host) => `'csync2'@'${host}'`);
  writeFileSync(
    init,
    accounts
      .map(
        (account) =>
          `CREATE USER ${account} IDENTIFIED BY 'pass@word'; \nGRANT ALL ON *.* TO ${account} WITH GRANT OPTION;`,
      )
      .join('\n'),
  );
  const port = await freePort();
  const child = runner.start(
    mysqld ?? '',
    ...['--no-defaults', ...places, `--socket=${socket}`, `--port=${port}`, '--bind-address=127.0.0.1'],
    ...['--character-set-server=utf8mb4', '--innodb-flush-log-at-trx-commit=0', `--init-file=${init}`],
    ...[`--pid-file=${join(top, 'pid')}`, '--innodb-buffer-pool-size=64M', '--lower-case-table-names=0'],
    ...(tls ? tlsSettings(certificates) : []),
  );
  // The socket is there a moment before anybody listens at it.
  await untilReady(() => isListening(socket));
  return {
    port,
    socket,
    directory: data,
    stop: async () => {
      await end(child);
      runner.remove();
    },
  };
}
