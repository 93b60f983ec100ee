import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { DiskPath } from '../../src/bytes/bytes.ts';
import { clusterOf, keyIn } from './clusterOf.ts';

const program = '/usr/sbin/csync2';
const top = mkdtempSync(join(tmpdir(), 'groups-'));
after(() => rmSync(top, { recursive: true }));
mkdirSync(join(top, 'data/sub'), { recursive: true });
const file = join(top, 'data/sub/file');
writeFileSync(file, '');
writeFileSync(join(top, 'k'), keyIn('k') + '\n');

const data = `include ${top}/data;`;
const both = (one: string, two: string): string => `group g { key k; ${one} } group h { key k; ${two} }`;

const configurations: readonly string[] = [
  `group g { host a b; key k; ${data} }`,
  `group g { host b (a) c@d; key k; ${data} }`,
  `group g { host a@one b@x (c) a@two d; key k; ${data} }`,
  both(`host b a@one c; ${data}`, `host a@two c; ${data}`),
  both(`host b a@one c; ${data}`, `host a@two c; include ${top}/data/other;`),
  both(`host a (b); ${data}`, `host b@z a@q c; ${data} exclude file;`),
  `group g { host a b; key k; include %p% %q%; } prefix p { on *: ${top}/data; } prefix q { on *: ${top}/data/sub/; }`,
  `group g { host a b; key k; include %p%; } prefix p { on *: ${top}/nix; } prefix p { on [a]: ${top}/data; on *: /x; }`,
  `group g { host a b; key k; include %p%; } prefix p { on *: ${top}/data; } prefix p { on x: ${top}; }`,
  `group g { host A b; key k; ${data} }`,
];

describe('a check marks for the same peers, under the same names, as that of the C program', () => {
  for (const [index, text] of configurations.entries()) {
    test(text.replaceAll(top, ''), (t) => {
      if (!existsSync(program)) return t.skip('skipped: the C program is not installed');
      assert.deepEqual(ourMarks(text), theirMarks(text, join(top, `db${index}`)));
    });
  }
});

/** `myname\tpeer\tname` lines, in order. */
function ourMarks(text: string): string[] {
  const cluster = clusterOf(text);
  const names = cluster.toNames(file as DiskPath);
  return names.flatMap((one) => cluster.peersFor(one).map(({ peer, myname }) => `${myname}\t${peer}\t${one}`)).sort();
}

function theirMarks(text: string, database: string): string[] {
  mkdirSync(database);
  writeFileSync(join(top, 'csync2.cfg'), text);
  const env = { ...process.env, CSYNC2_SYSTEM_DIR: top };
  const run = (...options: string[]) => ['-N', 'a', '-D', database, ...options];
  execFileSync(program, run('-c', file), { env });
  const { stdout } = spawnSync(program, run('-M'), { env, encoding: 'latin1' });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^(chary|force)\t/, ''))
    .sort();
}
