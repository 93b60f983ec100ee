import assert from 'node:assert/strict';
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { Channel } from '../../src/transport/channel.ts';
import { connectTcp } from '../../src/transport/connectTcp.ts';
import { StreamChannel } from '../../src/transport/streamChannel.ts';
import { makeCertificate, readLine, readToEnd, recordingLog, scratchDirectory } from './fixtures.ts';

const scratch = scratchDirectory();
after(scratch.remove);
const credentials = makeCertificate(scratch.path, 'host');
// Built once, since loading TypeScript anew in each child is slow.
buildSync({
  entryPoints: ['stdioPeer.ts', 'listeningPeer.ts'].map((file) => fileURLToPath(new URL(file, import.meta.url))),
  outdir: scratch.path,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
});
const program = join(scratch.path, 'stdioPeer.mjs');
const command = [process.execPath, program, scratch.path];

const sshEnvironment = { ...process.env, SSH_CLIENT: '192.0.2.7 50000 22' };
const bareEnvironment = { ...process.env };
delete bareEnvironment['SSH_CLIENT'];

function start(stdio: StdioOptions, env: NodeJS.ProcessEnv = bareEnvironment): ChildProcess {
  return spawn(command[0] as string, command.slice(1), { stdio, env });
}

/** Our end of a child's standard input and output. */
function channelTo(child: ChildProcess): Channel {
  const [input, output] = [child.stdout as Readable, child.stdin as Writable];
  const duplex = (): Duplex => Duplex.from({ readable: input, writable: output });
  return new StreamChannel({ input, output, duplex }, { address: undefined, port: undefined });
}

/** The whole conversation that each kind of connection must carry. */
async function converse(channel: Channel, address: string): Promise<void> {
  channel.setIdleTimeout(10);
  channel.write('WHO\nplain\nSSL\n');
  assert.equal(await readLine(channel), `${address}\nPLAIN\nOK (activating_ssl).`);
  await channel.startTls('client', credentials);
  const large = 'x'.repeat(300_000);
  channel.write(`secret\n${Array(40).fill(large.slice(0, 15_000)).join('\n')}\nBYE\n`);
  const answer = await readToEnd(channel);
  assert.equal(answer.length, 'SECRET\n'.length + 40 * 15_001 + 'OK (cu_later).\n'.length);
  assert.ok(answer.startsWith('SECRET\nXXX') && answer.endsWith('OK (cu_later).\n'));
  await channel.close();
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
}

/** A connected socket to hand to a child, and a channel at its other end. */
async function socketAndChannel(target: { path: string } | { host: string }): Promise<[net.Socket, Channel]> {
  if ('path' in target) {
    const server = net.createServer({ allowHalfOpen: true }).listen(target.path);
    await once(server, 'listening');
    const ours = net.connect({ path: target.path, allowHalfOpen: true });
    const [socket] = (await once(server, 'connection')) as [net.Socket];
    server.close();
    return [
      socket,
      new StreamChannel({ input: ours, output: ours, duplex: () => ours }, { address: undefined, port: undefined }),
    ];
  }
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, target.host);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const options = { host: target.host, port, localAddress: '127.2.1.5', log: recordingLog() };
  const [[socket], { channel }] = await Promise.all([
    once(server, 'connection') as Promise<[net.Socket]>,
    connectTcp(options),
  ]);
  server.close();
  return [socket, channel];
}

describe('serving at standard input and output', { concurrency: 2 }, () => {
  test('a TCP socket, as inetd and systemd hand it over', async () => {
    const [socket, channel] = await socketAndChannel({ host: '127.2.1.6' });
    const child = start([socket, socket, 'inherit'], sshEnvironment);
    socket.destroy();
    await converse(channel, '127.2.1.5');
    assert.equal(await exitOf(child), 0);
  });

  test('a TCP socket at standard input alone', async () => {
    const [socket, channel] = await socketAndChannel({ host: '127.2.1.6' });
    const child = start([socket, 'pipe', 'inherit']);
    socket.destroy();
    await converse(channel, '127.2.1.5');
    assert.equal(await exitOf(child), 0);
  });

  test('one Unix socket at both', async () => {
    const [socket, channel] = await socketAndChannel({ path: `${scratch.path}/socket` });
    const child = start([socket, socket, 'inherit'], sshEnvironment);
    socket.destroy();
    await converse(channel, '192.0.2.7');
    assert.equal(await exitOf(child), 0);
  });

  test('two Unix sockets, as ssh may use them; without SSH_CLIENT the peer has no address', async () => {
    const child = start(['pipe', 'pipe', 'inherit']);
    await converse(channelTo(child), 'undefined');
    assert.equal(await exitOf(child), 0);
  });

  test('two pipes; SSH_CLIENT tells the address', async () => {
    const line = `cat | ${command.map((word) => `'${word}'`).join(' ')} | cat`;
    const child = spawn('/bin/sh', ['-c', line], { stdio: ['pipe', 'pipe', 'inherit'], env: sshEnvironment });
    await converse(channelTo(child), '192.0.2.7');
    assert.equal(await exitOf(child), 0);
  });

  test('pipes whose writer ends without BYE get the rest of their answers', async () => {
    const line = `printf 'one\\ntwo\\n' | ${command.map((word) => `'${word}'`).join(' ')} | cat`;
    const child = spawn('/bin/sh', ['-c', line], { stdio: ['ignore', 'pipe', 'inherit'] });
    let answer = '';
    child.stdout.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await once(child, 'close');
    assert.equal(answer, 'ONE\nTWO\nOK (cu_later).\n');
  });

  test('/dev/null is nobody', async () => {
    const child = start(['ignore', 'pipe', 'pipe']);
    assert.equal(await exitOf(child), 0);
  });

  test('a file or another device is refused', async () => {
    const inputs: readonly [string, StdioOptions][] = [
      ['a file', [openSync(program, 'r'), 'pipe', 'pipe']],
      ['a device', [openSync('/dev/zero', 'r'), 'pipe', 'pipe']],
    ];
    for (const [name, stdio] of inputs) {
      const child = start(stdio);
      let complaint = '';
      child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
      await once(child, 'close');
      assert.equal(complaint, 'UNSUPPORTED\n', name);
      assert.equal(child.exitCode, 1);
    }
  });
});

describe('a listening socket that is open already', () => {
  test('is served', async () => {
    const listener = net.createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as net.AddressInfo;
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    const child = spawn(process.execPath, [join(scratch.path, 'listeningPeer.mjs')], {
      stdio: ['ignore', 'inherit', 'inherit', fd],
    });
    listener.close();
    const { channel } = await connectTcp({ host: '127.0.0.1', port, log: recordingLog() });
    assert.equal(await readToEnd(channel), `welcome to ${port}\n`);
    await channel.close();
    assert.equal(await exitOf(child), 0);
  });
});
