import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { jsonLine } from '../../src/cli/json.ts';
import { Cluster } from './cluster.ts';

test('strings that are not UTF-8 are there in base64 too', () => {
  const line = jsonLine({ file: '/caf\xe9', text: '/caf\xc3\xa9', at: new Date(0), none: undefined, list: ['\xff'] });
  assert.deepEqual(JSON.parse(Buffer.from(line, 'latin1').toString()), {
    file: '/caf\ufffd',
    fileBase64: Buffer.from('/caf\xe9', 'latin1').toString('base64'),
    text: '/café',
    at: '1970-01-01T00:00:00.000Z',
    list: ['\ufffd'],
  });
});

test('lists for programs', (t) => {
  const host = new Cluster(t, 2).host(1);
  writeFileSync(join(host.etc, 'csync2.cfg'), `group g { host ${host.name} 127.6.1.2; key k; include ${host.tree}; }`);
  host.write('caf\xe9', 'four');
  symlinkSync('caf\xe9', join(host.tree, 'link'));
  host.run('-cr', host.tree);
  host.run('-hr', host.tree);
  const rows = host.json('-L');
  assert.deepEqual(
    rows.map(({ file, type, size }) => [file, type, size]),
    [
      [host.tree, 'dir', undefined],
      [`${host.tree}/caf\ufffd`, 'reg', 4],
      [`${host.tree}/link`, 'lnk', undefined],
    ],
  );
  assert.equal(Buffer.from(String(rows[1]?.['fileBase64']), 'base64').toString('latin1'), `${host.tree}/caf\xe9`);
  assert.match(String(rows[1]?.['checktxt']), /^v1:mtime=/);
  assert.deepEqual(host.json('-H'), [{ file: host.tree, recursive: true }]);
  assert.deepEqual(host.json('-M')[0], { file: host.tree, myname: host.name, peer: '127.6.1.2', forced: false });
  assert.deepEqual(host.json('-S', host.name, '127.6.1.2'), rows);
  assert.deepEqual(host.json('-o', '-r', host.tree)[2], { file: `${host.tree}/link`, path: `${host.tree}/link` });
  assert.equal(host.run('--json', '-R').stdout, '');
});

test('what a run does is told as it happens, a comparison says which side has what', async (t) => {
  const cluster = new Cluster(t, 2);
  const [one, two] = [cluster.host(1), cluster.host(2)];
  cluster.configureOne();
  one.write('a', 'x');
  await two.serve();
  assert.deepEqual(one.json('-cr', '/'), [
    { event: 'marked', file: '%t%', peer: two.name },
    { event: 'marked', file: '%t%/a', peer: two.name },
    { event: 'finished', errors: 0 },
  ]);
  assert.deepEqual(one.json('-ud', one.tree + '/a'), [
    { event: 'would', mark: '?M', file: '%t%/a', peer: two.name },
    { event: 'finished', errors: 0 },
  ]);
  assert.deepEqual(one.json('-T'), [
    { file: '%t%', side: 'here', myname: one.name, peer: two.name },
    { file: '%t%/a', side: 'here', myname: one.name, peer: two.name },
  ]);
  const sent = one.json('-u');
  assert.deepEqual(
    new Set(sent.map(({ event, file }) => `${String(event)} ${String(file)}`)),
    new Set(['done %t%', 'done %t%/a', 'finished undefined']),
  );
  await two.stop();
  mkdirSync(join(one.tree, 'd'));
  const failed = one.json('-x');
  assert.match(String(failed.find(({ event }) => event === 'error')?.['message']), /Connection to remote host/);
  assert.deepEqual(failed.at(-1), { event: 'finished', errors: 1 });
});
