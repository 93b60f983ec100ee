import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';

/**
 * Names of temporary files: `.csync2.<host><boot><pid namespace>.<pid>.<start>.<sequence>.tmp`, every field in hex of
 * fixed width. The name says which process it belongs to, so that what a crash left behind can be told from work in
 * progress, also by another csync2. It is 67 bytes long and does not contain the target's name, so it fits beside
 * names of any length.
 */
const shape = /^\.csync2\.([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{8})\.([0-9a-f]{8})\.([0-9a-f]{12})\.[0-9a-f]{8}\.tmp$/;

/** Seconds after which a temporary file of an owner that cannot be examined from here counts as left behind. */
const abandonedAfter = 24 * 60 * 60;

/** True for names that only csync2's temporary files have: they are never content. */
export function isTempName(base: string): boolean {
  return base.startsWith('.csync2.') && shape.test(base);
}

let sequence: number | undefined;

/** A name that this process has not used before. Create it exclusively all the same: other threads count on their own. */
export function tempName(): string {
  sequence = sequence === undefined ? randomBytes(4).readUInt32BE() : (sequence + 1) >>> 0;
  return `.csync2.${owner().text}.${hex(sequence, 8)}.tmp`;
}

/**
 * True when the process that a temporary name belongs to is gone: on this host, another boot, or no such process (a
 * reused pid has another start time). An owner on another host or in another pid namespace cannot be looked at;
 * its files count as left behind when `mtime` (seconds) is more than a day before `now`.
 */
export function isLeftover(base: string, mtime: number, now: number = Date.now() / 1000): boolean {
  const match = shape.exec(base);
  if (match === null) return false;
  const [, host, boot, namespace, pid = '', start = ''] = match;
  const self = owner();
  if (host === self.host && boot !== self.boot) return true;
  if (host !== self.host || namespace !== self.namespace) return now - mtime > abandonedAfter;
  return startTime(parseInt(pid, 16)) !== start;
}

/** True when this host has been started anew since: with the process went everything that was not on the disk yet. */
export function isOfEarlierBoot(base: string): boolean {
  const [, host, boot] = shape.exec(base) ?? [];
  return host === owner().host && boot !== owner().boot;
}

/** True for the temporary names of this very process. */
export function isOwnTempName(base: string): boolean {
  return base.startsWith(`.csync2.${owner().text}.`);
}

interface Owner {
  readonly host: string;
  readonly boot: string;
  readonly namespace: string;
  readonly text: string;
}

let known: Owner | undefined;

function owner(): Owner {
  return (known ??= identify());
}

function identify(): Owner {
  const host = digest(os.hostname() + '\n' + contentOf('/etc/machine-id'));
  const boot = digest(contentOf('/proc/sys/kernel/random/boot_id'));
  const namespace = digest(fs.readlinkSync('/proc/self/ns/pid'));
  const start = startTime(process.pid) ?? hex(0, 12);
  return { host, boot, namespace, text: `${host}${boot}${namespace}.${hex(process.pid, 8)}.${start}` };
}

/**
 * When a process started, in clock ticks since boot as 12 hex digits; undefined when there is no such process, or it has ended
 * and its parent does not ask for its end, as in containers where nobody does that for orphans.
 */
function startTime(pid: number): string | undefined {
  const stat = contentOf(`/proc/${pid}/stat`);
  // The command name, in parentheses, may contain anything; its state follows, and 19 fields after that the start time.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields[19];
  return ticks === undefined || ended.has(fields[0] ?? '') ? undefined : hex(Number(ticks), 12);
}

const ended: ReadonlySet<string> = new Set(['Z', 'X']);

/** '' for a file that is not there: a host without a machine id, a process that ended. */
function contentOf(path: string): string {
  try {
    return fs.readFileSync(path, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return '';
    throw error;
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0');
}
