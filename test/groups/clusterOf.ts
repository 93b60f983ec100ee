import type { FileName } from '../../src/bytes/bytes.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { buildCluster, type ClusterOptions } from '../../src/groups/build.ts';
import type { Cluster } from '../../src/groups/cluster.ts';

/** The key in key file `k` is `KEY.k` forty times over or so; any file name is a key file. */
export function keyIn(file: string): string {
  return `KEY.${file}.`.repeat(10).padEnd(40, 'x');
}

/** The cluster that host `host` sees in this configuration text. */
export function clusterOf(text: string, host = 'a', options: Partial<ClusterOptions> = {}): Cluster {
  const config = parseConfig('csync2.cfg', () => Buffer.from(text, 'latin1'));
  const readKey = (path: string) => Buffer.from(keyIn(path.slice(path.lastIndexOf('/') + 1)) + '\n');
  return buildCluster({ config, host, systemDirectory: '/etc', readKey, ...options });
}

export const name = (text: string): FileName => text as FileName;
