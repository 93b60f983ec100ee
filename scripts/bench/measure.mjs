// Runs programs and says how long they took and how much memory they had at most.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Runs a program to its end under time(1). Returns `seconds` on the clock, `cpu` seconds and `memory` (its most, in MB).
 * Fails unless its exit status is one of `statuses`.
 */
export function measure([program, ...args], { env = {}, statuses = [0] } = {}) {
  const began = process.hrtime.bigint();
  const result = spawnSync('/usr/bin/time', ['-q', '-f', 'time: %U %S %M', program, ...args], {
    env: { ...process.env, ...env },
    encoding: 'latin1',
    stdio: ['ignore', 'ignore', 'pipe'],
    maxBuffer: 1 << 30,
  });
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  if (!statuses.includes(result.status)) {
    throw new Error(`${program} ${args.join(' ')}: exit status ${result.status}\n${result.stderr.slice(-2000)}`);
  }
  const [user, system, kilobytes] = /time: (\S+) (\S+) (\S+)\s*$/.exec(result.stderr).slice(1).map(Number);
  return { seconds, cpu: user + system, memory: kilobytes / 1024 };
}

/** Starts a server; resolves when something listens at `host`:`port`. `stop` returns the most memory it had, in MB. */
export async function startServer([program, ...args], { env = {}, host, port }) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (let tries = 0; !(await listens(host, port)); tries++) {
    if (tries === 200 || child.exitCode !== null) throw new Error(`${program} ${args.join(' ')} does not listen`);
    await pause(50);
  }
  return {
    async stop() {
      const memory = mostMemory(child.pid);
      child.kill();
      await ended;
      return memory;
    },
  };
}

function listens(host, port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function mostMemory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
