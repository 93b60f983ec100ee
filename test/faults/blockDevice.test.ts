import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode } from '../../src/bytes/urlEncoding.ts';
import type { Encoded } from '../../src/bytes/bytes.ts';
import { deviceMissing, FailingDevice } from './harness/failingDevice.ts';
import { pretendPowerCut } from './harness/pretendPowerCut.ts';
import { type FaultHost, Site } from './harness/site.ts';

/** All that the host has is on the device from now on. */
function moveTo(device: FailingDevice, host: FaultHost, site: Site): void {
  const aside = join(site.root, 'aside');
  fs.cpSync(host.root, aside, { recursive: true });
  device.mount(host.root);
  fs.cpSync(aside, host.root, { recursive: true });
  device.sync();
}

/** Below the tree. */
function nameIn(row: string): string {
  const [name] = row.split(' | ') as [Encoded];
  return decode(name).replace(/^%t%\/?/, '');
}

async function withDevice(onDevice: 0 | 1, work: (site: Site, device: FailingDevice) => Promise<void>): Promise<void> {
  const site = new Site({ hosts: 2 });
  const device = new FailingDevice();
  try {
    site.configure();
    moveTo(device, site.at(onDevice), site);
    await work(site, device);
  } finally {
    for (const host of site.hosts) await host.kill();
    device.close();
    await site.close();
  }
}

describe('a real block device', { skip: deviceMissing }, () => {
  test('what cannot be read is an error of the files that it belongs to; the others are sent, and these once it can', () =>
    withDevice(0, async (site, device) => {
      const [client, server] = [site.at(0), site.at(1)];
      client.tree.mkdir('');
      const small = Array.from({ length: 8 }, (_, at) => `f${at}`);
      for (const name of small) client.tree.write(name, randomBytes(20_000));
      client.tree.write('large', randomBytes(6_000_000));
      device.unmount();
      device.breakBlocks([device.block('/tree/f4', 1), device.block('/tree/large', 700)]);
      device.mount(client.root);
      await server.serve();
      const broken = await client.run('-x');
      assert.equal(broken.code, 1, broken.output);
      for (const name of ['f4', 'large']) assert.match(broken.output, new RegExp(`/tree/${name}: Input/output error`));
      assert.deepEqual(
        server.tree.names(),
        small.filter((name) => name !== 'f4'),
      );
      assert.equal(client.rows().dirty.length, 2);

      device.mend();
      const mended = await client.run('-x');
      assert.equal(mended.code, 0, mended.output);
      assert.deepEqual(server.tree.snapshot(), client.tree.snapshot());
    }));

  for (const isWithin of [false, true]) {
    test(`the receiver's power goes ${isWithin ? 'in the middle of a run' : 'right after a run'}: no row claims what is not there whole`, (t) =>
      withDevice(1, async (site, device) => {
        const [client, server] = [site.at(0), site.at(1)];
        const isWhole = (name: string): boolean => {
          const [ours, theirs] = [client, server].map(({ tree }) => tree.path(name)) as [string, string];
          if (!fs.statSync(ours).isFile()) return fs.existsSync(theirs);
          return fs.existsSync(theirs) && fs.readFileSync(ours).equals(fs.readFileSync(theirs));
        };
        let claimed = 0;
        for (let round = 0; round < 3; round++) {
          client.tree.mkdir(`d${round}`);
          for (let at = 0; at < 100; at++) client.tree.write(`d${round}/f${at}`, randomBytes(1 + 300 * at));
          for (let at = 0; round > 0 && at < 9; at++) client.tree.write(`d${round - 1}/f${at}`, `new ${round} ${at}`);
          await server.serve();
          const { child, ending } = client.start(['-x']);
          if (isWithin) await Promise.race([ending, sleep(150 * (round + 2))]);
          else assert.equal((await ending).code, 0);
          device.cut();
          await server.kill();
          await ending;
          assert.equal(child.signalCode, null);
          device.unmount();
          device.mend();
          device.mount(server.root);
          if (fs.existsSync(server.database)) {
            const names = server.rows().file.map((row) => nameIn(row));
            claimed += names.length;
            // What had a row before may be half of something newer: that is in doubt, and not claimed by the run that was cut.
            if (!isWithin)
              assert.deepEqual(
                names.filter((name) => !isWhole(name)),
                [],
              );
            pretendPowerCut(server);
          }
          await server.serve();
          const again = await client.run('-x');
          assert.equal(again.code, 0, again.output);
          assert.deepEqual(server.tree.snapshot(), client.tree.snapshot());
          const check = await server.run('-x');
          assert.equal(check.code, 0, check.output);
          assert.deepEqual([...client.rows().dirty, ...server.rows().dirty], []);
          assert.deepEqual(server.leftovers(), []);
          await server.kill();
        }
        t.diagnostic(`${claimed} rows after ${isWithin ? 'cuts within a run' : 'whole runs'}`);
      }));
  }
});
