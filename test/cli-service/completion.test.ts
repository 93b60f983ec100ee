import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { modes, modifiers } from '../../src/cli/usage.ts';
import { has, start, top } from '../cli-modes/cluster.ts';

const file = join(top, 'scripts/service/csync2.completion');
const script = `
  source ${file}
  compopt() { :; }
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
  case $1 in csync2) _csync2 ;; *) _csync2_compare ;; esac
  printf '%s\\n' "\${COMPREPLY[@]}"`;

describe('bash completion', { skip: has('bash') ? false : 'skipped: no bash' }, () => {
  const etc = mkdtempSync(join(tmpdir(), 'csync2-completion-'));
  after(() => rmSync(etc, { recursive: true }));
  const env: NodeJS.ProcessEnv = { ...process.env, CSYNC2_SYSTEM_DIR: etc };
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
  const complete = (...words: string[]): string[] => lines(start('bash', ['-c', script, 'bash', ...words], env).stdout);

  writeFileSync(
    join(etc, 'csync2.cfg'),
    `group web { # host nobody;
       host alpha beta@10.0.0.2
         (gamma); key k; include /x; }
     group other { host delta; }\n`,
  );
  writeFileSync(join(etc, 'csync2_lab.cfg'), 'group bench { host one two; }\n');

  test('hosts and groups of the configuration in CSYNC2_SYSTEM_DIR', () => {
    assert.deepEqual(complete('csync2', '-N', ''), ['alpha', 'beta', 'delta', 'gamma']);
    assert.deepEqual(complete('csync2', '-xP', 'al'), ['alpha']);
    assert.deepEqual(complete('csync2', '--rm-ssl-cert', 'b'), ['beta']);
    assert.deepEqual(complete('csync2', '-G', ''), ['other', 'web']);
    assert.deepEqual(complete('csync2-compare', ''), ['localhost', 'alpha', 'beta', 'delta', 'gamma']);
  });

  test('those of the configuration that -C names', () => {
    assert.deepEqual(complete('csync2', '-C', ''), ['lab']);
    assert.deepEqual(complete('csync2', '-C', 'lab', '-x', '-N', ''), ['one', 'two']);
    assert.deepEqual(complete('csync2', '-Clab', '-G', ''), ['bench']);
    assert.deepEqual(complete('csync2', '-xC', 'lab', '-P', 't'), ['two']);
    assert.deepEqual(complete('csync2-compare', '-C', 'lab', 'o'), ['one']);
    assert.deepEqual(complete('csync2', '-C', 'none', '-N', ''), []);
  });

  test('words of the configuration are never run', () => {
    writeFileSync(join(etc, 'csync2_odd.cfg'), 'group g { host $(echo,run) `x` *; }\n');
    assert.deepEqual(complete('csync2', '-C', 'odd', '-N', ''), ['$', '*', '`x`', 'echo,run']);
  });

  const unshared = start('unshare', ['-m', 'true']).code === 0 ? false : 'skipped: no mount namespaces';
  test('without CSYNC2_SYSTEM_DIR: /etc, or /etc/csync2 as on SUSE', { skip: unshared }, () => {
    const root = join(etc, 'etc');
    mkdirSync(join(root, 'csync2'), { recursive: true });
    writeFileSync(join(root, 'csync2/csync2.cfg'), 'group g { host suse; }\n');
    const hosts = (): string[] => {
      const inNamespace = `mount --bind ${root} /etc && exec bash -c "$0" bash csync2 -N ''`;
      const own = { ...process.env };
      delete own['CSYNC2_SYSTEM_DIR'];
      return lines(start('unshare', ['-m', 'sh', '-c', inNamespace, script], own).stdout);
    };
    assert.deepEqual(hosts(), ['suse']);
    writeFileSync(join(root, 'csync2.cfg'), 'group g { host debian; }\n');
    assert.deepEqual(hosts(), ['debian']);
  });

  test('every option is offered', () => {
    const offered = readFileSync(file, 'utf8');
    for (const { flags } of [...modes.options, ...modifiers.options]) {
      const [name = ''] = flags.split(' ');
      assert.ok(complete('csync2', name).includes(name), name);
    }
    assert.match(offered, /complete -F _csync2 csync2$/m);
  });
});
