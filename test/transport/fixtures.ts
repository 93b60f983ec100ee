import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../src/log/log.ts';
import type { Channel, TlsCredentials } from '../../src/transport/channel.ts';
import { connectTcp } from '../../src/transport/connectTcp.ts';
import { listenTcp } from '../../src/transport/listenTcp.ts';

export interface RecordingLog extends Log {
  readonly lines: string[];
}

/** Keeps what is written up to level 1. */
export function recordingLog(): RecordingLog {
  const lines: string[] = [];
  return {
    level: 1,
    wants: (level) => level <= 1,
    write: (level, message) => void (level <= 1 && lines.push(message)),
    error: (message) => void lines.push(message),
    errors: 0,
    lines,
  };
}

/** A directory of its own under the system's temporary one, and a way to be rid of it. */
export function scratchDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'transport-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Key and self-signed certificate in `directory`, named as csync2 wants them. `key`: as `openssl req -newkey` has it. */
export function makeCertificate(directory: string, name: string, key = 'rsa:2048'): TlsCredentials {
  const [keyFile, certificateFile] = [join(directory, 'csync2_ssl_key.pem'), join(directory, 'csync2_ssl_cert.pem')];
  const request = ['req', '-x509', '-nodes', '-newkey', key, '-days', '10', '-subj', `/CN=${name}`];
  execFileSync('openssl', [...request, '-keyout', keyFile, '-out', certificateFile], { stdio: 'ignore' });
  return { key: readFileSync(keyFile, 'utf8'), certificate: readFileSync(certificateFile, 'utf8') };
}

export interface Pair {
  readonly client: Channel;
  readonly server: Channel;
  destroy(): void;
}

/** Two channels that are connected over loopback. */
export async function connectedPair(): Promise<Pair> {
  let accepted: (channel: Channel) => void;
  const server = new Promise<Channel>((resolve) => (accepted = resolve));
  const listener = await listenTcp({
    address: '127.0.0.1',
    port: 0,
    onChannel: (channel) => accepted(channel),
    onError: (error) => {
      throw error;
    },
  });
  const { channel: client } = await connectTcp({ host: '127.0.0.1', port: listener.port, log: recordingLog() });
  const pair = { client, server: await server };
  listener.close();
  return {
    ...pair,
    destroy: () => {
      pair.client.destroy();
      pair.server.destroy();
    },
  };
}

export async function readLine(channel: Channel): Promise<string> {
  return (await readUntil(channel, (text) => text.endsWith('\n'))).slice(0, -1);
}

/** Reads byte strings until they are as wished, or the stream ends. */
export async function readUntil(channel: Channel, enough: (text: string) => boolean): Promise<string> {
  let text = '';
  while (!enough(text)) {
    const chunk = await channel.read();
    if (chunk === undefined) break;
    text += Buffer.from(chunk).toString('latin1');
  }
  return text;
}

export function readToEnd(channel: Channel): Promise<string> {
  return readUntil(channel, () => false);
}

export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Error && (error as Error & { code?: unknown }).code === code;
}

export const later = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));
