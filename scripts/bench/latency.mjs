#!/usr/bin/env node
// How long it takes to send changed small files over a line with latency, ours against the C program:
//   scripts/bench/latency.mjs [--files 2000] [--round-trip MILLISECONDS] [--programs ours,c] [--c PATH]
// Both hosts are on loopback, with a relay between them that hands everything on half a round trip later.
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
    files: { type: 'string', default: '2000' },
    'round-trip': { type: 'string', default: '20' },
    programs: { type: 'string', default: 'ours,c' },
    c: { type: 'string', default: '/usr/sbin/csync2' },
    ours: { type: 'string', default: fileURLToPath(new URL('../../dist/csync2', import.meta.url)) },
  },
});
const files = Number(values.files);
const delay = Number(values['round-trip']) / 2;
const near = { address: '127.4.1.1' };
const far = { address: '127.4.1.2' };
const relayPort = 30_965;
const serverPort = 30_966;
const root = mkdtempSync(join(tmpdir(), 'csync2-latency-'));

/** Hands on what comes from one side to the other, in order, `delay` milliseconds later. */
function copy(from, to) {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), delay));
  from.on('end', () => setTimeout(() => to.end(), delay));
  from.on('error', () => to.destroy());
}

function startRelay() {
  const relay = net.createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    // The server wants to see the address that the client says it has.
    const to = { host: far.address, port: serverPort, localAddress: near.address, noDelay: true, allowHalfOpen: true };
    const server = net.connect(to);
    copy(client, server);
    copy(server, client);
  });
  return new Promise((resolve) => relay.listen(relayPort, far.address, () => resolve(relay)));
}

/** Small files, 40 to a directory. */
function fill(tree, text) {
  for (let n = 0; n < files; n++) {
    const directory = join(tree, `d${Math.floor(n / 40)}`);
    if (n % 40 === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${n}`), `${text} ${n}\n`);
  }
}

function prepare(program) {
  for (const host of [near, far]) {
    host.tree = join(root, program, host.address, 'tree');
    host.database = join(root, program, host.address, 'db');
    mkdirSync(host.tree, { recursive: true });
    mkdirSync(host.database);
  }
  const etc = join(root, program, 'etc');
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

/** Runs `work` while nothing else can be done but the relay, and resolves to its seconds. */
function timed(command, args, env) {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    spawn(command, args, { env, stdio: 'ignore' }).on('exit', (code) => {
      if (code === 0) resolve((performance.now() - start) / 1000);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}`));
    });
  });
}

async function measure(program) {
  const command = values[program];
  const env = prepare(program);
  const run = (host, ...args) =>
    spawnSync(command, ['-N', host.address, '-D', host.database, ...args], { env, stdio: 'ignore' });
  fill(near.tree, 'old');
  cpSync(near.tree, far.tree, { recursive: true, preserveTimestamps: true });
  run(near, '-cIr', '/');
  run(far, '-cIr', '/');
  fill(near.tree, 'new content');
  run(near, '-cr', '/');
  const serverArgs = ['-ii', '-N', far.address, '-p', String(serverPort), '-D', far.database];
  const server = spawn(command, serverArgs, { env, stdio: 'ignore' });
  try {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return await timed(command, ['-N', near.address, '-D', near.database, '-p', String(relayPort), '-u'], env);
  } finally {
    server.kill();
  }
}

const relay = await startRelay();
try {
  for (const program of values.programs.split(',')) {
    const seconds = await measure(program);
    const different = spawnSync('diff', ['-r', near.tree, far.tree]).status !== 0;
    const note = different ? ' (but the trees differ)' : '';
    console.log(`${program.padEnd(5)} ${files} files, ${delay * 2} ms: ${seconds.toFixed(2)} s${note}`);
  }
} finally {
  relay.close();
  rmSync(root, { recursive: true, force: true });
}
