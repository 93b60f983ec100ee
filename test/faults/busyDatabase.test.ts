import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import fs from 'node:fs';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { Site } from './harness/site.ts';
import { WireTap } from './harness/wireTap.ts';

const batch = 2000;
const signature = Buffer.from('727301360000080000000008', 'hex').toString('latin1');
const finished = 'OK (cmd_finished).';

/** What a client sends, in order: lines, and how many bytes of content follow some of them, which are taken off. */
class Requests {
  #held = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  /** It has been sent, whether or not its turn has come. */
  hasSync = false;

  constructor(socket: net.Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.hasSync ||= chunk.includes('SYNC\n');
      this.#held = Buffer.concat([this.#held, chunk]);
      this.#wake();
    });
    socket.resume();
  }

  async line(): Promise<string> {
    let end: number;
    while ((end = this.#held.indexOf(10)) < 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    const line = this.#held.toString('latin1', 0, end);
    this.#held = this.#held.subarray(end + 1);
    return line;
  }

  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0;) {
      while (this.#held.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      const taken = Math.min(left, this.#held.length);
      this.#held = this.#held.subarray(taken);
      left -= taken;
    }
  }
}

test('a database that is busy holds a batch of rows up: nothing is asked in the middle of the content that goes out meanwhile', async () => {
  const site = new Site({ hosts: 2 });
  const [client, server] = [site.at(0), site.at(1)];
  site.configure();
  const tap = new WireTap({ host: server.name, port: 30_866 });
  const asked: string[] = [];
  let refused = 0;

  /** Takes the database away when a first batch is to be forgotten, and gives it back when `z` is half there. */
  const serve = async (socket: net.Socket): Promise<void> => {
    const requests = new Requests(socket);
    const say = (...lines: string[]): boolean => socket.write(Buffer.from(lines.join('\n') + '\n', 'latin1'));
    let database: Database.Database | undefined;
    let same = 0;
    for (let patched = ''; ;) {
      const line = await requests.line();
      asked.push(line.split(' ')[0] ?? '');
      const content = Number(/^octet-stream (\d+)$/.exec(line)?.[1] ?? 0);
      if (line.startsWith('CAPS')) say('OK (caps xput sync).');
      else if (/^X(SET|PUT)/.test(line)) {
        if (line.startsWith('XPUT')) await requests.skip(Number((await requests.line()).split(' ')[1]));
        // `y` completes the second batch.
        if (same === (requests.hasSync ? 2 * batch - 1 : batch)) {
          refused += 1;
          say('No.');
          await sleep(1);
        } else {
          same += 1;
          say('OK (same).');
        }
      } else if (line === 'SYNC') {
        if (database === undefined) {
          database = new Database(client.database);
          database.exec('BEGIN IMMEDIATE');
        }
        say('OK (on_disk).');
      } else if (line.startsWith('SIG')) say('OK (path_not_found).', '---', 'octet-stream 0', finished);
      else if (line.startsWith('PATCH')) {
        patched = line;
        socket.write(Buffer.from(`OK (send_data).\noctet-stream ${signature.length}\n${signature}`, 'latin1'));
      } else if (content > 0) {
        if (patched.endsWith('/z')) {
          socket.pause();
          database?.exec('COMMIT');
          database?.close();
          await sleep(1500);
          socket.resume();
        }
        await requests.skip(content);
        say(finished);
      } else say(line === 'BYE' ? 'OK (cu_later).' : finished);
      if (line === 'BYE') return void socket.end();
    }
  };

  try {
    tap.onConnection = (socket) => {
      void serve(socket);
      return true;
    };
    await tap.listen(server.name, 30_865);
    for (let at = 0; at < 5500; at++) client.tree.write(`f${String(at).padStart(4, '0')}`, '');
    for (const [name, size] of [
      ['y', 2 << 20],
      ['z', 32 << 20],
    ] as const) {
      client.tree.write(name, '');
      fs.truncateSync(client.tree.path(name), size);
    }
    const { output } = await client.run('-x', 30_000);
    const rest = asked.slice(asked.lastIndexOf('PATCH'));
    assert.deepEqual(rest.slice(0, 5), ['PATCH', 'octet-stream', 'SETOWN', 'SETMOD', 'SETIME'], output.slice(-1000));
    assert.ok(asked.filter((name) => name === 'SYNC').length >= 1);
    assert.equal(client.rows().dirty.length, refused);
  } finally {
    await tap.close();
    await site.close();
  }
});
