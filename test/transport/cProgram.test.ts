import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { Inbox, parseCommand, replies } from '../../src/protocol/protocol.ts';
import type { Channel, TlsCredentials } from '../../src/transport/channel.ts';
import { type Connection, connectTcp } from '../../src/transport/connectTcp.ts';
import { listenTcp } from '../../src/transport/listenTcp.ts';
import { later, makeCertificate, readLine, readToEnd, recordingLog, scratchDirectory } from './fixtures.ts';

const program = '/usr/sbin/csync2';
const reason = existsSync(program) ? false : `skipped: ${program} is not there`;
const [client, server] = ['127.2.1.1', '127.2.1.2'];
const scratch = scratchDirectory();
after(scratch.remove);

interface Host {
  readonly directory: string;
  readonly credentials: TlsCredentials;
}

/** A system directory, a database directory and a tree for the C program. */
function makeHost(name: string, key: string): Host {
  const directory = `${scratch.path}/${name}`;
  for (const part of ['', '/db', '/tree']) mkdirSync(directory + part, { recursive: true });
  writeFileSync(`${directory}/tree/file`, 'content\n');
  writeFileSync(`${directory}/secret`, 'k'.repeat(40) + '\n', { mode: 0o600 });
  const group = `group g { host ${client} ${server}; key secret; include %tree%; }`;
  writeFileSync(`${directory}/csync2.cfg`, `${group}\nprefix tree { on *: ${directory}/tree; }\n`);
  return { directory, credentials: makeCertificate(directory, name, key) };
}

function run(host: Host, name: string, words: readonly string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(program, ['-N', name, '-D', `${host.directory}/db`, ...words], {
    env: { ...process.env, CSYNC2_SYSTEM_DIR: host.directory },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}

async function freePort(): Promise<number> {
  const options = { address: server, port: 0, onChannel: () => assert.fail(), onError: () => assert.fail() };
  const listener = await listenTcp(options);
  listener.close();
  return listener.port;
}

async function connectPatiently(port: number): Promise<Connection> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await connectTcp({ host: server, port, localAddress: client, log: recordingLog() });
    } catch (error) {
      if (tries > 600) throw error;
      await later(30);
    }
  }
}

const fingerprint = (credentials: TlsCredentials): string =>
  new X509Certificate(credentials.certificate).raw.toString('hex').toUpperCase();

describe('the C program over TLS', { skip: reason }, () => {
  test('as a server: it answers our commands, identifies us by our certificate and says goodbye', async () => {
    const host = makeHost('server', 'rsa:1024');
    const ours = makeCertificate(scratch.path, 'ours');
    const port = await freePort();
    const { child, output } = run(host, server, ['-p', String(port), '-iii', '-v']);
    const { channel, localAddress } = await connectPatiently(port);
    assert.equal(localAddress, client);
    channel.setIdleTimeout(60);

    channel.write('SSL\n');
    assert.equal(await readLine(channel), replies.activatingTls);
    await channel.startTls('client', ours);
    assert.equal(
      Buffer.from(channel.peerCertificate ?? [])
        .toString('hex')
        .toUpperCase(),
      fingerprint(host.credentials),
    );
    channel.write('CONFIG \n');
    assert.equal(await readLine(channel), replies.finished);
    channel.write(`HELLO ${client}\n`);
    assert.equal(await readLine(channel), replies.finished);
    channel.write(`GETSZ ${'k'.repeat(40)} %25tree%25/file\nBYE\n`);
    const ended = once(child, 'close');
    let rest = '';
    while (!rest.includes(replies.goodbye)) rest += Buffer.from((await channel.read()) ?? []).toString('latin1');
    assert.equal(rest, 'OK (data_follows).\n8\nOK (cu_later).\n');
    const start = performance.now();
    await channel.close();
    assert.ok(performance.now() - start < 2900, 'the end of a C server, which comes without close_notify, is seen');
    await ended;
    assert.ok(output().includes(fingerprint(ours)), 'our certificate was recorded');
    assert.match(output(), /Finished with 0 errors\./);
  });

  test('as a client: it shows its certificate, understands our replies, and sees our end at once', async () => {
    const host = makeHost('client', 'rsa:2048');
    const ours = makeCertificate(scratch.path, 'ours');
    const heard: string[] = [];
    let certificate: Uint8Array | undefined;
    let served: Promise<void> | undefined;
    const serve = async (channel: Channel): Promise<void> => {
      const inbox = new Inbox();
      for (;;) {
        const line = inbox.tryLine();
        if (line === undefined) {
          const chunk = await channel.read();
          if (chunk === undefined) return;
          inbox.push(chunk);
          continue;
        }
        const command = parseCommand(line);
        heard.push(command.name);
        if (command.name === 'SSL') {
          channel.write(`${replies.activatingTls}\n`);
          await channel.startTls('server', ours, inbox.takeAll());
          certificate = channel.peerCertificate;
        } else if (command.name === 'BYE') {
          channel.write(`${replies.goodbye}\n`);
          return channel.close();
        } else channel.write(`${command.name === 'SIG' ? replies.denied : replies.finished}\n`);
      }
    };
    const onChannel = (channel: Channel): void => void (served = serve(channel));
    const listener = await listenTcp({ address: server, port: 0, onChannel, onError: assert.fail });
    const { child, output } = run(host, client, ['-p', String(listener.port), '-x', '-v']);
    await once(child, 'close');
    listener.close();
    await served;
    assert.deepEqual(heard, ['SSL', 'CONFIG', 'HELLO', 'SIG', 'SIG', 'BYE']);
    assert.equal(
      Buffer.from(certificate ?? [])
        .toString('hex')
        .toUpperCase(),
      fingerprint(host.credentials),
    );
    assert.ok(output().includes(fingerprint(ours)), 'our certificate was recorded');
    assert.match(output(), /Connection closed\./);
  });

  test('a C server that hangs up after a complaint is heard to the end', async () => {
    const host = makeHost('strict', 'rsa:2048');
    const port = await freePort();
    const { child } = run(host, server, ['-p', String(port), '-iii']);
    const { channel } = await connectPatiently(port);
    channel.write('HELLO you\n');
    assert.equal(await readToEnd(channel), `${replies.configExpected}\n`);
    await channel.close();
    if (child.exitCode === null) await once(child, 'close');
  });
});
