import assert from 'node:assert/strict';
import { type FaultHost, Site } from './site.ts';

/** Two hosts of ours, one to call and one to serve; `more` goes into their group. */
export async function withPair(
  work: (client: FaultHost, server: FaultHost, site: Site) => Promise<void>,
  more = '',
): Promise<void> {
  const site = new Site({ hosts: 2 });
  try {
    site.configure(more);
    await work(site.at(0), site.at(1), site);
  } finally {
    await site.close();
  }
}

export function inSync(client: FaultHost, server: FaultHost): void {
  assert.deepEqual(server.tree.snapshot(), client.tree.snapshot());
  assert.deepEqual([...client.rows().dirty, ...server.rows().dirty], []);
  assert.deepEqual([...client.leftovers(), ...server.leftovers()], []);
}
