import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cluster, type Host, program, type Result, start, top } from './cluster.ts';

const compare = join(top, 'scripts/csync2-compare.mjs');

/** Plays ssh: runs the command here, as the host that it is for. */
function fakeSsh(cluster: Cluster): string {
  const path = join(cluster.root, 'ssh');
  const own = `${cluster.root}/$host`;
  writeFileSync(
    path,
    `#!/bin/sh
host=$1
shift
[ -d "${own}" ] || { echo "no such host" >&2; exit 255; }
export CSYNC2_SYSTEM_DIR="${own}/etc" PATH="${join(process.execPath, '..')}:$PATH" FAKE_HOST="$host" FAKE_DB="${own}/db"
exec sh -c "$*"
`,
    { mode: 0o755 },
  );
  const wrapper = join(cluster.root, 'csync2');
  writeFileSync(wrapper, `#!/bin/sh\nexec "${program}" -N "$FAKE_HOST" -D "$FAKE_DB" "$@"\n`, { mode: 0o755 });
  return path;
}

function comparison(cluster: Cluster): (...args: string[]) => Result {
  const ssh = fakeSsh(cluster);
  return (...args) => start(compare, ['--ssh', ssh, '--csync2', join(cluster.root, 'csync2'), ...args]);
}

function fill(host: Host): void {
  host.write('same', 'same');
  host.write('line\nbreak \\ "quoted" $(false)', 'x');
  host.write('caf\xe9', 'x');
  mkdirSync(join(host.tree, 'd'));
  symlinkSync('same', join(host.tree, 'link'));
}

test('equal trees, whatever the names, then each kind of difference', (t) => {
  const cluster = new Cluster(t, 2);
  cluster.configureOne('exclude *~;');
  const [one, two] = [cluster.host(1), cluster.host(2)];
  for (const host of cluster.hosts) fill(host);
  one.write('ignored~', 'only here');
  const run = comparison(cluster);
  const equal = run(one.name, two.name);
  assert.deepEqual([equal.code, equal.stdout], [0, ''], equal.stderr);

  one.write('line\nbreak \\ "quoted" $(false)', 'y');
  two.write('more', 'z');
  one.write('d/less', 'z');
  one.write('kind', 'z');
  symlinkSync('same', join(two.tree, 'kind'));
  symlinkSync('d', join(one.tree, 'other link'));
  symlinkSync('same', join(two.tree, 'other link'));
  chmodSync(join(two.tree, 'same'), 0o600);
  const different = run(one.name, two.name);
  assert.equal(different.code, 1, different.stderr);
  assert.deepEqual(different.stdout.split('\n').slice(0, -1), [
    'L\t%t%/d/less',
    'T\t%t%/kind',
    'C\t%t%/line\\nbreak \\\\ "quoted" $(false)',
    'R\t%t%/more',
    'C\t%t%/other link',
    'M\t%t%/same',
  ]);
  const quiet = run('-q', '-i', 'mod', one.name, two.name);
  assert.deepEqual([quiet.code, quiet.stdout], [1, '']);
  assert.doesNotMatch(run('-i', 'mod', one.name, two.name).stdout, /^M/m);
});

test('trouble is neither alike nor different', (t) => {
  const cluster = new Cluster(t, 2);
  cluster.configureOne();
  const run = comparison(cluster);
  assert.equal(run('127.6.1.1', 'nowhere').code, 2);
  assert.match(run('127.6.1.1', 'nowhere').stderr, /nowhere: could not look at all files \(exit status 255\)/);
  assert.equal(run('127.6.1.1').code, 2);
  assert.equal(run('--nonsense').code, 2);
  writeFileSync(join(cluster.host(2).etc, 'csync2.cfg'), 'group {');
  assert.equal(run('127.6.1.1', '127.6.1.2').code, 2);
  assert.equal(start(compare, ['--help']).code, 0);
  assert.match(start(compare, ['--version']).stdout, /^csync2-compare \d/);
});
