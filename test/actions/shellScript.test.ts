import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { shellScript, shownCommand } from '../../src/actions/shellScript.ts';

/** What the script prints when the shell gets it as a file on stdin. */
function output(command: string, files: readonly string[]): string {
  const input = Buffer.from(shellScript(command, files), 'latin1');
  const { stdout, stderr } = spawnSync('/bin/sh', [], { input, encoding: 'latin1' });
  assert.equal(stderr, '', command);
  return stdout;
}

const nasty = [
  '/a b',
  "/it's",
  '/$(echo pwned)',
  '/`echo pwned`',
  '/"q"',
  '/back\\slash',
  '/new\nline',
  '/*',
  '/;:',
  '/-n',
];

test('every %% is the list of files, each name one word', () => {
  assert.equal(output("printf '<%s>' %% - %%", ['/x', '/y z']), '</x></y z><-></x></y z>');
  assert.equal(output('echo no list', ['/x']), 'no list\n');
});

test('no name is read as shell syntax', () => {
  assert.equal(output("printf '<%s>' %%", nasty), nasty.map((name) => `<${name}>`).join(''));
  assert.equal(output('for f in %%; do printf "<%s>" "$f"; done', nasty), nasty.map((name) => `<${name}>`).join(''));
  assert.equal(output('x=$(printf \'<%s>\' %%); printf %s "$x"', nasty), nasty.map((name) => `<${name}>`).join(''));
});

test('a list inside quotes is a list for the shell that reads the quoted text', () => {
  const expected = nasty.map((name) => `<${name}>`).join('');
  assert.equal(output('sh -c \'for f in %%; do printf "<%s>" "$f"; done\'', nasty), expected);
  assert.equal(output('sh -c "printf \'<%s>\' %%"', nasty), expected);
});

test('where quotes mislead, names are still no syntax', () => {
  const hostile = ['/$(echo pwned)', '/`echo pwned`', "/'; echo pwned; '"];
  for (const command of ["# don't\necho %%", 'cat <<EOF\n%%\nEOF', 'echo `echo %%`', "cat <<'EOF'\n%%\nEOF"]) {
    assert.doesNotMatch(output(command, hostile), /^pwned|[^ ]pwned$/m);
  }
});

test('all bytes but NUL survive', () => {
  const name = '/' + Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1)).join('');
  assert.equal(output('printf %s %%', [name]), name);
  assert.equal(output("sh -c 'printf %s %%'", [name]), name);
});

test('people see the names, shortened where they would fill screens', () => {
  assert.equal(shownCommand('echo %% > x', ['/a', '/b c']), "echo /a '/b c' > x");
  assert.equal(shownCommand('echo $&', ['/a']), 'echo $&');
  assert.equal(shownCommand('echo %%', ['/$&']), "echo '/$&'");
  const many = shownCommand(
    'x %%',
    Array.from({ length: 100_000 }, (_, index) => `/file${index}`),
  );
  assert.ok(many.length < 5_000);
  assert.match(many, / \(and 99\d{3} more\)$/);
});
