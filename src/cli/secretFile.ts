import fs from 'node:fs';
import { fsPath } from '../bytes/bytes.ts';
import type { Config } from '../config/config.ts';
import type { Cluster } from '../groups/cluster.ts';
import { keyPath } from '../groups/keys.ts';
import type { Log } from '../log/log.ts';
import type { Place } from './setup.ts';

/** The keys of this host's groups, as `warnIfLoose`. */
export function warnOfLooseKeys({ systemDirectory }: Place, config: Config, { groups }: Cluster, log: Log): void {
  const own = new Set(groups.map(({ name }) => name));
  for (const group of config.groups) if (own.has(group.name)) warnIfLoose(keyPath(group, systemDirectory), log);
}

const known = new Set<string>();

/**
 * Says how to mend a file with a secret that others can read or replace: a line at its first use in this process. `isSecret`
 * false: everybody may read it, as certificates.
 */
export function warnIfLoose(path: string, log: Log, isSecret = true): void {
  if (known.has(path)) return;
  known.add(path);
  const stats = fs.statSync(fsPath(path), { throwIfNoEntry: false });
  if (stats === undefined) return;
  const trouble = looseness(stats, process.geteuid?.() ?? 0, isSecret);
  if (trouble !== undefined) log.write(0, `WARNING: ${path} ${trouble(quoted(path))}`);
}

/**
 * A file of root that an ordinary user reads is root's way of letting that user in, by its group: then that group is not
 * among the others.
 */
export function looseness(
  { uid, mode }: { readonly uid: number; readonly mode: number },
  user: number,
  isSecret = true,
): ((path: string) => string) | undefined {
  if (uid !== 0 && uid !== user) {
    return (path) => `belongs to user ${uid}: chown ${user} ${path} && chmod ${isSecret ? '600' : '644'} ${path}`;
  }
  if (!isSecret) return (mode & 0o022) === 0 ? undefined : (path) => `can be changed by others: chmod go-w ${path}`;
  const others = uid === user ? 0o066 : 0o026;
  if ((mode & others) === 0) return undefined;
  return (path) => `is not for its owner alone: chmod ${uid === user ? '600' : '640'} ${path}`;
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
