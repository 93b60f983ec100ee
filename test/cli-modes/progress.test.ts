import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster, has, program, start } from './cluster.ts';

test('a progress line is shown on a terminal only, and never with -v, --no-progress or --json', (t) => {
  if (!has('script')) return t.skip('skipped: no script(1) to play terminal');
  const cluster = new Cluster(t, 2);
  cluster.configureOne();
  const host = cluster.host(1);
  host.write('a', 'x');
  const onTerminal = (...args: string[]): string => {
    const command = [program, ...host.ownOptions, '-m', host.tree, '&&', program, ...host.ownOptions, ...args].join(
      ' ',
    );
    return start('script', ['-qec', command, '/dev/null'], host.env).stdout;
  };
  const shown = onTerminal('-x');
  assert.match(shown, /2 of 2 sent|0 of \d sent/);
  assert.match(shown, /\n?\r\x1b\[KERROR: Connection to remote host/, 'messages have lines of their own');
  for (const args of [['-xv'], ['-x', '--no-progress'], ['--json', '-x']]) {
    assert.doesNotMatch(onTerminal(...args), /\x1b\[/, args.join(' '));
  }
  assert.doesNotMatch(host.run('-x').stderr, /\x1b\[/);
});
