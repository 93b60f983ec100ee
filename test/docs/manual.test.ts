import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { modes, modifiers } from '../../src/cli/usage.ts';
import { has, start, top } from '../cli-modes/cluster.ts';

const page = (name: string): string => readFileSync(join(top, 'man', name), 'utf8').replaceAll('\\-', '-');

test('the manual pages are well-formed', (t) => {
  if (!has('man')) return t.skip('skipped: no man');
  for (const file of readdirSync(join(top, 'man'))) {
    const env = { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '80' };
    const { code, stderr } = start('man', ['--warnings', '-l', join(top, 'man', file)], env);
    assert.deepEqual([code, stderr], [0, ''], file);
  }
});

test('csync2(1) has every option of the help', () => {
  const text = page('csync2.1');
  for (const { flags } of [...modes.options, ...modifiers.options]) {
    const [name = ''] = flags.split(' ');
    assert.match(text, new RegExp(`^\\.(B|BI|BR) "?${name}\\b`, 'm'), name);
  }
});

test('csync2.cfg(5) has every keyword of the grammar', () => {
  const grammar = readFileSync(join(top, 'grammar/csync2cfg.peggy'), 'utf8');
  const keywords = grammar
    .split('\n')
    .filter((line) => /^\w+Keyword /.test(line))
    .flatMap((line) => [...line.slice(line.indexOf('=')).matchAll(/"([a-z-]+)"/g)].map(([, word]) => word as string))
    .filter((word) => word !== 'no-cygwin-lowercase');
  assert.ok(keywords.length > 20);
  const text = page('csync2.cfg.5');
  for (const word of keywords) assert.match(text, new RegExp(`\\b${word}\\b`), word);
});

test('npm installs the manual pages, and both programs', () => {
  const manifest = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as {
    man: string[];
    bin: Record<string, string>;
  };
  assert.deepEqual(
    [...manifest.man].sort(),
    readdirSync(join(top, 'man'))
      .map((file) => `man/${file}`)
      .sort(),
  );
  assert.deepEqual(Object.keys(manifest.bin), ['csync2', 'csync2-compare']);
});
