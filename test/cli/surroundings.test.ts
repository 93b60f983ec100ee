import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

/** What a run must take from those who start it: odd directories, outputs that fail, arguments that fit nothing. */

const program = process.env['CSYNC2_OURS'] ?? fileURLToPath(new URL('../../dist/csync2', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'csync2-cli-'));
const file = join(root, 'tree/file');

for (const directory of ['etc', 'db', 'tree']) mkdirSync(join(root, directory));
writeFileSync(join(root, 'etc/k'), 'k'.repeat(64) + '\n', { mode: 0o600 });
writeFileSync(join(root, 'etc/csync2.cfg'), `nossl * *; group g { host a b; key k; include ${root}/tree; }\n`);
writeFileSync(file, 'content');
after(() => rmSync(root, { recursive: true, force: true }));

/** Runs `before; csync2 options after` in a shell. */
function csync2(options: string, { before = 'true', after = '' } = {}) {
  const command = `${before}; '${program}' -N a -D '${root}/db' ${options} ${after}`;
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], CSYNC2_SYSTEM_DIR: join(root, 'etc') },
    encoding: 'latin1',
  });
  return { status, stdout, stderr };
}

describe('the surroundings of a run', () => {
  const gone = { before: `mkdir '${root}/gone' && cd '${root}/gone' && rmdir '${root}/gone'` };

  it('needs no current directory for absolute names', () => {
    assert.deepEqual(csync2('-cIr /', gone), { status: 0, stdout: '', stderr: '' });
    assert.equal(csync2(`-cI ${file}`, gone).status, 0);
    const { status, stderr } = csync2('-cI file', gone);
    assert.equal(status, 1);
    assert.match(stderr, /^The current directory is gone/);
  });

  it('takes names in a directory whose own name is no text', () => {
    const directory = Buffer.from(join(root, 'tree/\xff'), 'latin1');
    mkdirSync(directory);
    writeFileSync(Buffer.concat([directory, Buffer.from('/new')]), '');
    const before = `cd '${root}/tree/'$(printf '\\377')`;
    assert.deepEqual(csync2('-o new', { before }), { status: 0, stdout: `${root}/tree/\xff/new\n`, stderr: '' });
    rmSync(directory, { recursive: true });
  });

  it('ends without a word when nobody reads its output', () => {
    const { stderr } = csync2('-L', { before: '{ sleep 0.3', after: '; echo $? >&2; } | true' });
    assert.equal(stderr, '141\n');
  });

  it('fails when its output cannot be written', () => {
    for (const options of ['-L', '--help', '--version']) {
      const { status, stderr } = csync2(options, { after: '> /dev/full' });
      assert.equal(status, 1, options);
      assert.match(stderr, /^Can't write to standard output: No space left on device\n/, options);
    }
  });

  it('says in one line that the time stamp file cannot be opened', () => {
    const { status, stderr } = csync2(`-s ${root}/none/stamps -L`);
    assert.equal(status, 1);
    assert.match(stderr, /^Can't open timestamp file `.*\/none\/stamps': no such file or directory\n$/);
  });

  it('refuses a descriptor for directories that is not open', () => {
    const { status, stderr } = csync2('-W 99 -c /');
    assert.equal(status, 1);
    assert.match(stderr, /^Invalid dump_dir_fd 99: Bad file descriptor\n/);
  });

  it('says which descriptor for directories cannot be written to, and why', () => {
    const { status, stderr } = csync2('-W 5 -cr / 5>/dev/full');
    assert.equal(status, 1);
    assert.match(stderr, /^Can't write to descriptor 5, which -W names: No space left on device\n/);
  });

  it('does nothing in any mode for a host that is in no group', () => {
    for (const mode of [
      '-L',
      '-M',
      '-H',
      '-R',
      '-T',
      '-S a b',
      `-o ${file}`,
      `-h ${file}`,
      `-m ${file}`,
      '-cr /',
      '-u',
    ]) {
      const { status, stdout, stderr } = csync2(`-N nobody ${mode}`);
      assert.equal(status, 1, mode);
      assert.equal(stdout, '', mode);
      assert.match(stderr, /^This host \(nobody\) is not a member of any configured group\.\n/, mode);
    }
  });

  it('names a pair of hosts that share nothing', () => {
    const { status, stderr } = csync2('-T a c');
    assert.equal(status, 1);
    assert.match(stderr, /^Host pair not found in configuration\. No group has a and c together\.\n/);
  });

  it('warns when a file to compare is covered by nothing', () => {
    const { status, stderr } = csync2('-T /no/such/file');
    assert.equal(status, 2);
    assert.equal(stderr, 'WARNING: Parameter will be ignored: /no/such/file\n');
  });
});
