import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

import { Proxy } from '../store/proxy.ts';
import { Cluster, contents, type Host } from './cluster.ts';

const files = 300;

/** The database goes away under a run. `url` gives that of a database by its name, through this port, without TLS. */
export function lostConnectionTests(url: (database: string, port: number) => string, port: () => number): void {
  async function scene(
    t: TestContext,
    name: string,
  ): Promise<{ cluster: Cluster; proxies: [Proxy, Proxy]; first: Host; second: Host }> {
    const proxies: [Proxy, Proxy] = [await Proxy.to(port()), await Proxy.to(port())];
    const cluster = new Cluster(2, (host) => url(`${name}_${host}`, (proxies[host - 1] as Proxy).port));
    t.after(async () => {
      await cluster.close();
      for (const proxy of proxies) await proxy.close();
    });
    const [first, second] = cluster.pair;
    await second.serve();
    for (let file = 0; file < files; file++) writeFileSync(join(first.tree, `${file}`), `${file} `.repeat(100));
    return { cluster, proxies, first, second };
  }

  async function completes(first: Host, second: Host): Promise<void> {
    assert.deepEqual(await first.run('-x'), { code: 0, stdout: '', stderr: '' });
    assert.deepEqual(contents(second.tree), contents(first.tree));
    for (const host of [first, second])
      assert.deepEqual(await host.run('-M'), { code: 2, stdout: '', stderr: '' }, second.log);
    const compared = await first.run('-T');
    assert.equal(compared.code, 2, compared.stdout.slice(0, 600) + second.log.slice(0, 3000));
    assert.ok(second.isServing);
  }

  /** One error, for people: what was lost, nothing of the program's inside. */
  function isClear(stderr: string): void {
    assert.match(stderr, /Database (pgsql|mysql):\/\/\S+: connection lost: /);
    assert.doesNotMatch(stderr, /pass@word|pass%40word|\n {4}at /);
  }

  test('a connection that breaks while changes are recorded: all of a batch or nothing, the rerun completes', async (t) => {
    const { proxies, first, second } = await scene(t, 'lost_check');
    cutAt(proxies[0], 'INSERT');
    const { code, stderr } = await first.run('-x');
    assert.equal(code, 1, stderr);
    isClear(stderr);
    const [rows, marks] = [await first.run('-L'), await first.run('-M')];
    assert.equal(lines(rows.stdout), lines(marks.stdout));
    await completes(first, second);
  });

  test('a connection that breaks while files are sent: what was not forgotten is sent again', async (t) => {
    const { proxies, first, second } = await scene(t, 'lost_update');
    assert.equal((await first.run('-cr', '/')).code, 0);
    cutAt(proxies[0], 'DELETE FROM dirty');
    const { code, stderr } = await first.run('-x');
    assert.equal(code, 1, stderr);
    isClear(stderr);
    assert.equal(lines((await first.run('-M')).stdout), files + 1);
    await completes(first, second);
  });

  test("a connection of the peer's server that breaks: the run fails, the server goes on", async (t) => {
    const { proxies, first, second } = await scene(t, 'lost_server');
    cutAt(proxies[1], 'INSERT');
    const { code, stderr } = await first.run('-x');
    assert.equal(code, 1, stderr);
    isClear(second.log);
    await completes(first, second);
  });

  test('a database that cannot be reached: one clear error', async (t) => {
    const { proxies, first, second } = await scene(t, 'lost_before');
    await proxies[0].close();
    await proxies[1].close();
    const { code, stderr } = await first.run('-x');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Can't open database (pgsql|mysql):\/\/\S+: .*ECONNREFUSED.*\nDoes the database server run, .*\nFinished with 1 errors\.\n$/,
    );
    assert.ok(second.isServing);
  });
}

/** Breaks the connections of a proxy once, when a request with this text comes. */
function cutAt(proxy: Proxy, text: string): void {
  proxy.onRequest = (bytes) => {
    if (!bytes.includes(text)) return;
    proxy.onRequest = () => undefined;
    proxy.breakConnections();
  };
}

function lines(text: string): number {
  return text.split('\n').length - 1;
}
