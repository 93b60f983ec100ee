#!/usr/bin/env node
// How long it takes to send small files over a line with latency: changed ones, and ones that are dirty but identical.
//   scripts/bench/latency.mjs [--changed 2000] [--identical 20000] [--round-trip MILLISECONDS] [--c-files 200] [--c PATH]
// As root, where the kernel has netem, each host is in a network namespace of its own, and each end of the line between them
// sends half a round trip later. Elsewhere both are on loopback, with a relay between them that does so. The C program asks
// about one file after the other, so it does a few of them (`--c-files`), and its time is multiplied.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    changed: { type: 'string', default: '2000' },
    identical: { type: 'string', default: '20000' },
    'round-trip': { type: 'string', default: '20' },
    'c-files': { type: 'string', default: '200' },
    c: { type: 'string', default: '/usr/sbin/csync2' },
    ours: { type: 'string', default: fileURLToPath(new URL('../../dist/csync2', import.meta.url)) },
  },
});
const delay = Number(values['round-trip']) / 2;
const root = mkdtempSync(join(tmpdir(), 'csync2-latency-'));

function succeeds(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Two hosts and the line between them; undefined where the kernel has no such line. */
function layLine() {
  const hosts = ['near', 'far'].map((name, at) => {
    return { address: `198.18.77.${at + 1}`, namespace: `csync2-${name}-${process.pid}`, port: 30_865 };
  });
  const close = () => hosts.forEach(({ namespace }) => succeeds('ip', 'netns', 'del', namespace));
  const [a, b] = hosts.map(({ namespace }) => namespace);
  const delaying = `qdisc add dev line root netem delay ${delay}ms limit 100000`;
  const isLaid =
    hosts.every(({ namespace }) => succeeds('ip', 'netns', 'add', namespace)) &&
    succeeds('ip', '-n', a, 'link', 'add', 'line', 'type', 'veth', 'peer', 'name', 'line', 'netns', b) &&
    hosts.every(
      ({ namespace, address }) =>
        succeeds('ip', '-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'line') &&
        ['lo', 'line'].every((device) => succeeds('ip', '-n', namespace, 'link', 'set', device, 'up')) &&
        succeeds('tc', '-n', namespace, ...delaying.split(' ')),
    );
  if (isLaid) return { what: 'two network namespaces and netem', near: hosts[0], far: hosts[1], close };
  close();
  return undefined;
}

/** The same on loopback: whoever connects to the relay gets to the far host. */
async function startRelay() {
  const near = { address: '127.4.1.1', port: 30_965 };
  const far = { address: '127.4.1.2', port: 30_966 };
  const relay = net.createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    // The server wants to see the address that the client says it has.
    const to = { host: far.address, port: far.port, localAddress: near.address, noDelay: true, allowHalfOpen: true };
    const server = net.connect(to);
    copy(client, server);
    copy(server, client);
  });
  await new Promise((resolve) => relay.listen(near.port, far.address, resolve));
  return { what: 'a relay on loopback', near, far, close: () => relay.close() };
}

/** Hands on what comes from one side to the other, in order, `delay` milliseconds later. */
function copy(from, to) {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), delay));
  from.on('end', () => setTimeout(() => to.end(), delay));
  from.on('error', () => to.destroy());
}

/** Small files, 40 to a directory. */
function fill(tree, files, text) {
  for (let n = 0; n < files; n++) {
    const directory = join(tree, `d${Math.floor(n / 40)}`);
    if (n % 40 === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${n}`), `${text} ${n}\n`);
  }
}

const line = layLine() ?? (await startRelay());
const { near, far } = line;
let sites = 0;

/** A command as the host runs it. */
function on({ namespace }, command, args) {
  return namespace === undefined ? [command, args] : ['ip', ['netns', 'exec', namespace, command, ...args]];
}

function prepare() {
  const site = join(root, String(sites++));
  for (const host of [near, far]) {
    host.tree = join(site, host.address, 'tree');
    host.database = join(site, host.address, 'db');
    mkdirSync(host.tree, { recursive: true });
    mkdirSync(host.database);
  }
  const etc = join(site, 'etc');
  mkdirSync(etc);
  writeFileSync(join(etc, 'key'), 'k'.repeat(40) + '\n', { mode: 0o600 });
  writeFileSync(
    join(etc, 'csync2.cfg'),
    `nossl * *;
prefix t { on ${near.address}: ${near.tree}; on ${far.address}: ${far.tree}; }
group g { host ${near.address} ${far.address}; key ${etc}/key; include %t%; }
`,
  );
  return { ...process.env, CSYNC2_SYSTEM_DIR: etc };
}

/** Runs a program while nothing else can be done but the relay's work, and resolves to its seconds. */
function timed(command, args, env) {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    spawn(command, args, { env, stdio: 'ignore' }).on('exit', (code) => {
      if (code === 0) resolve((performance.now() - start) / 1000);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}`));
    });
  });
}

/** Seconds for `-u` of `files` files that are dirty, and `changed` or not. */
async function measure({ asks, serves }, files, changed) {
  const env = prepare();
  const run = (program, host, ...args) =>
    spawnSync(...on(host, program, ['-N', host.address, '-D', host.database, ...args]), { env, stdio: 'ignore' });
  fill(near.tree, files, 'old');
  cpSync(near.tree, far.tree, { recursive: true, preserveTimestamps: true });
  run(asks, near, '-cIr', '/');
  run(serves, far, '-cIr', '/');
  if (changed) fill(near.tree, files, 'new content');
  run(asks, near, ...(changed ? ['-cr', '/'] : ['-mr', near.tree]));
  const serverArgs = ['-ii', '-N', far.address, '-p', String(far.port), '-D', far.database];
  const server = spawn(...on(far, serves, serverArgs), { env, stdio: 'ignore' });
  try {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const args = ['-N', near.address, '-D', near.database, '-p', String(near.port), '-u'];
    const seconds = await timed(...on(near, asks, args), env);
    if (spawnSync('diff', ['-r', near.tree, far.tree]).status !== 0) throw new Error('the trees differ');
    return seconds;
  } finally {
    server.kill();
  }
}

async function compare(what, files, changed) {
  console.log(`\n${files} small files, ${what}, ${delay * 2} ms:`);
  const some = Math.min(files, Number(values['c-files']));
  const base = ((await measure({ asks: values.c, serves: values.c }, some, changed)) * files) / some;
  console.log(`  C to C       ${base.toFixed(1).padStart(7)} s (from ${some} files)`);
  for (const [name, serves] of [
    ['ours to C', values.c],
    ['ours to ours', values.ours],
  ]) {
    const seconds = await measure({ asks: values.ours, serves }, files, changed);
    console.log(`  ${name.padEnd(12)} ${seconds.toFixed(1).padStart(7)} s, ratio ${(seconds / base).toFixed(3)}`);
  }
}

process.once('SIGINT', () => {
  line.close();
  process.exit(130);
});
console.log(`Over ${line.what}.`);
try {
  await compare('changed', Number(values.changed), true);
  await compare('dirty but identical', Number(values.identical), false);
} finally {
  line.close();
  rmSync(root, { recursive: true, force: true });
}
