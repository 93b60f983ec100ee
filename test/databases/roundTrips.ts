import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Proxy } from '../store/proxy.ts';
import { Cluster } from './cluster.ts';

const files = process.env['LONG_TESTS'] === undefined ? 20_000 : 100_000;
/** For 100,000 files; fewer files may have their share of it. */
const allowed = (500 * files) / 100_000;

/** How often the program has to wait for its database. `url` gives that of a database by its name, through this port. */
export function roundTripTests(url: (database: string, port: number) => string, port: () => number): void {
  test(`a check of ${files} unchanged files takes fewer than ${allowed} round trips`, async (t) => {
    const proxy = await Proxy.to(port());
    t.after(() => proxy.close());
    const cluster = new Cluster(2, () => url('trips', proxy.port));
    t.after(() => cluster.close());
    const [host] = cluster.pair;
    for (let at = 0; at < files; at += 200) {
      const directory = join(host.tree, `d${at}`);
      mkdirSync(directory);
      for (let file = 0; file < 200; file++) writeFileSync(join(directory, `file ${file}`), '');
    }
    const first = await host.run('-cr', '/');
    assert.deepEqual([first.code, first.stderr], [0, '']);
    assert.ok(proxy.roundTrips < allowed, `${proxy.roundTrips} round trips for new files`);
    proxy.roundTrips = 0;
    const again = await host.run('-cr', '/');
    assert.deepEqual([again.code, again.stderr], [0, '']);
    assert.ok(proxy.roundTrips > 0 && proxy.roundTrips < allowed, `${proxy.roundTrips} round trips`);
    t.diagnostic(`${proxy.roundTrips} round trips`);
  });
}
