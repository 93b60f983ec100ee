#!/usr/bin/env node
// How csync2 grows: with files, with peers, with connections.
//   scripts/bench/scale.mjs [files] [peers] [connections] [--files N] [--peers N,M] [--connections N] [--directory DIR]
// files: check, compare and a million dirty rows, per file and in memory, against a tenth of as many files.
// peers: one -x to many empty peers, against what the cores need for all of the work.
// connections: so many at once at one server, each with a SIG and a PATCH, beside one that asks for the signature of a large file.
// Build first; nothing else should be running. Everything it makes is removed at the end; --files 1000000 needs 5 GB in DIR.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure, median, startServer } from './measure.mjs';
import { client, makeCredentials, server, Site } from './site.mjs';
import { makeTree } from './tree.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: 'string', default: '1000000' },
    peers: { type: 'string', default: '8,32' },
    connections: { type: 'string', default: '200' },
    directory: { type: 'string', default: tmpdir() },
    ours: { type: 'string', default: fileURLToPath(new URL('../../dist/csync2', import.meta.url)) },
  },
});
const parts = { files: measureFiles, peers: measurePeers, connections: measureConnections };
const root = mkdtempSync(join(values.directory, 'csync2-scale-'));
const credentials = join(root, 'credentials');
const programs = { asks: values.ours, serves: values.ours };
const jiffies = 100;

try {
  makeCredentials(credentials);
  for (const part of positionals.length > 0 ? positionals : Object.keys(parts)) await parts[part]();
} finally {
  rmSync(root, { recursive: true, force: true });
}

async function measureFiles() {
  const most = Number(values.files);
  console.log('files      job                        seconds  us a file   MB  server MB');
  for (const files of [most / 10, most]) {
    const tree = join(root, `tree-${files}`);
    makeTree(tree, { files, directories: Math.ceil(files / 25), meanSize: 0 });
    const site = new Site(join(root, `site-${files}`), { credentials, tree, programs });
    const show = (job, { seconds, memory, serverMemory }) => {
      const columns = [
        String(files).padEnd(10),
        job.padEnd(25),
        seconds.toFixed(2).padStart(8),
        ((seconds / files) * 1e6).toFixed(2).padStart(10),
      ];
      console.log(columns.join(' '), memory.toFixed(0).padStart(4), (serverMemory?.toFixed(0) ?? '').padStart(10));
    };
    show('first check', site.local(['-cIr', '/']));
    site.onServer(['-cIr', '/']);
    for (const job of ['check, nothing changed', 'again']) show(job, site.local(['-cr', '/']));
    for (const job of ['compare, in sync', 'again']) show(job, await site.remote(['-T'], [2]));
    show('mark all', site.local(['-mr', tree]));
    show('all dirty but identical', await site.remote(['-u']));
    rmSync(tree, { recursive: true });
  }
}

/** A server of its own address, which it gets as a socket: they all have the same port. */
async function startPeer(address, port, command, env) {
  const listener = net.createServer();
  await once(listener.listen(port, address), 'listening');
  const script = 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"';
  const child = spawn('/bin/sh', ['-c', script, 'sh', ...command], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'ignore', listener._handle.fd],
  });
  await once(child, 'spawn');
  listener.close();
  return child;
}

function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / jiffies;
}

async function measurePeers() {
  const tree = join(root, 'tree-peers');
  makeTree(tree, { files: 2000, directories: 80 });
  console.log('peers  seconds  cpu seconds  seconds x cores / cpu seconds   MB');
  for (const count of values.peers.split(',').map(Number)) {
    const directory = join(root, `peers-${count}`);
    const hosts = Array.from({ length: count + 1 }, (_, index) => `127.2.2.${index + 1}`);
    const [own, ...peers] = hosts;
    mkdirSync(directory);
    for (const host of hosts)
      for (const part of ['tree', 'db']) mkdirSync(join(directory, host, part), { recursive: true });
    const where = hosts.map((host) => `on ${host}: ${host === own ? tree : join(directory, host, 'tree')};`).join(' ');
    const group = `group g { host ${hosts.join(' ')}; key ${credentials}/bench.key; include %t%; }`;
    writeFileSync(join(directory, 'csync2.cfg'), `nossl * *;\n${group}\nprefix t { ${where} }\n`);
    const env = { CSYNC2_SYSTEM_DIR: directory };
    const port = 28_000 + count;
    const command = (host, ...args) => [
      values.ours,
      '-N',
      host,
      '-D',
      join(directory, host, 'db'),
      '-p',
      `${port}`,
      ...args,
    ];
    const running = await Promise.all(peers.map((host) => startPeer(host, port, command(host, '-ii'), env)));
    const ended = running.map((child) => once(child, 'exit'));
    measure(command(own, '-cr', '/'), { env });
    for (const host of peers.slice(0, 1)) measure(command(own, '-T', own, host), { env, statuses: [0, 2] });
    const before = running.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
    const { seconds, cpu, memory } = measure(command(own, '-x'), { env });
    const total = running.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0) - before + cpu;
    for (const child of running) child.kill();
    await Promise.all(ended);
    const ratio = (seconds * availableParallelism()) / total;
    console.log(
      String(count).padEnd(6),
      ...[
        seconds.toFixed(2).padStart(7),
        total.toFixed(2).padStart(12),
        ratio.toFixed(2).padStart(30),
        memory.toFixed(0).padStart(4),
      ],
    );
  }
}

async function measureConnections() {
  const count = Number(values.connections);
  const tree = join(root, 'tree-connections');
  mkdirSync(tree);
  for (let n = 0; n < count; n++) writeFileSync(join(tree, `f${n}`), `old ${n}\n`.repeat(1000));
  writeFileSync(join(tree, 'large'), '');
  truncateSync(join(tree, 'large'), 1 << 30);
  const site = new Site(join(root, 'site-connections'), { credentials, tree, programs });
  site.onServer(['-cIr', '/']);
  const command = site.command(values.ours, server, ['-ii']);
  const running = await startServer(command, { env: site.env, host: server, port: site.port });
  const key = readFileSync(join(credentials, 'bench.key'), 'latin1').trim();
  const started = performance.now();
  const large = converse(site.port, key, ['large']);
  const each = await Promise.all(
    Array.from({ length: count }, (_, n) => converse(site.port, key, [`f${n}`, `new ${n}\n`])),
  );
  const all = performance.now() - started;
  const waited = await large;
  const memory = await running.stop();
  console.log(
    `${count} connections at once, a SIG and a PATCH each: ${(all / 1000).toFixed(2)} s, the median one ${median(each).toFixed(0)} ms`,
  );
  console.log(
    `the signature of 1 GiB beside them: ${(waited / 1000).toFixed(2)} s; server memory ${memory.toFixed(0)} MB`,
  );
}

/** SIG, and with `content` PATCH, of one file; resolves to milliseconds. Fails when anything is refused. */
async function converse(port, key, [file, content]) {
  const began = performance.now();
  const socket = net.connect({ host: server, port, localAddress: client });
  const reader = readerOf(socket);
  const name = `%25tree%25/${file}`;
  const say = (line) => socket.write(line + '\n');
  const expect = async (wanted) => {
    const line = await reader.line();
    if (!line.startsWith(wanted)) throw new Error(`${file}: ${line} instead of ${wanted}`);
    return line;
  };
  const blob = async () => reader.skip(Number((await expect('octet-stream ')).slice(13)));
  say('CONFIG ');
  await expect('OK');
  say(`HELLO ${client}`);
  await expect('OK');
  say(`SIG ${key} ${name}`);
  await expect('OK');
  await reader.line();
  await blob();
  await expect('OK');
  if (content !== undefined) {
    say(`PATCH ${key} ${name}`);
    await expect('OK (send_data).');
    await blob();
    const delta = Buffer.concat([
      Buffer.from('72730236', 'hex'),
      Buffer.of(content.length),
      Buffer.from(content),
      Buffer.of(0),
    ]);
    socket.write(`octet-stream ${delta.length}\n`);
    socket.write(delta);
    await expect('OK');
  }
  say('BYE');
  await expect('OK');
  socket.destroy();
  return performance.now() - began;
}

function readerOf(socket) {
  const chunks = socket[Symbol.asyncIterator]();
  let bytes = Buffer.alloc(0);
  const more = async () => {
    const { value, done } = await chunks.next();
    if (done) throw new Error('the server hung up');
    bytes = bytes.length === 0 ? value : Buffer.concat([bytes, value]);
  };
  return {
    async line() {
      while (!bytes.includes(10)) await more();
      const end = bytes.indexOf(10);
      const line = bytes.toString('latin1', 0, end);
      bytes = bytes.subarray(end + 1);
      return line;
    },
    async skip(count) {
      let left = count;
      for (;;) {
        const taken = Math.min(left, bytes.length);
        bytes = bytes.subarray(taken);
        left -= taken;
        if (left === 0) return;
        await more();
      }
    },
  };
}
