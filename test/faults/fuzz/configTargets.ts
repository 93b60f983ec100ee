import assert from 'node:assert/strict';
import type { FileName } from '../../../src/bytes/bytes.ts';
import { ConfigError } from '../../../src/config/configError.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { compileHostPattern } from '../../../src/patterns/hostPattern.ts';
import { PatternSet } from '../../../src/patterns/patternSet.ts';
import type { Random } from '../harness/random.ts';
import { mutate, noise } from './mutate.ts';
import type { Target } from './target.ts';

const words = [
  'a',
  'host1',
  '/data',
  '%home%/x',
  '*.tmp',
  '"quoted  word"',
  '{',
  '}',
  'a{',
  ':b',
  'key',
  'group',
  '""',
  '#',
];
const word = (rng: Random): string => (rng.below(4) === 0 ? rng.pick(words) : rng.pick(words.slice(0, 6)));
const some = (rng: Random): string => Array.from({ length: rng.below(4) }, () => word(rng)).join(' ');
const blank = (rng: Random): string => rng.pick(['\n', ' ', '\t', '\r\n', ' # remark ; {\n', '\n\n']);

type Phrase = (rng: Random) => string;

const inGroup: readonly Phrase[] = [
  (rng) => `host ${some(rng)} (${some(rng)}) h@${word(rng)};`,
  (rng) => `key ${word(rng)};`,
  (rng) => `${rng.pick(['include', 'exclude', 'compare'])} ${some(rng)};`,
  (rng) => `auto ${rng.pick(['none', 'younger', 'left', 'nothing'])};`,
  () => 'backup-directory /var/backups; backup-generations 3;',
  (rng) => `action { pattern ${some(rng)}; exec ${word(rng)}; logfile ${word(rng)}; do-local; }`,
  (rng) => `config ${rng.pick(['other.cfg', 'csync2.cfg', 'missing.cfg'])};`,
];

const outside: readonly Phrase[] = [
  (rng) => `group ${rng.pick(['', 'g', 'g2'])} {${statements(rng, inGroup)}host a; key k;${statements(rng, inGroup)}}`,
  (rng) => `prefix ${word(rng)} { on ${word(rng)}: ${word(rng)}; on *: /x; }`,
  (rng) => `nossl ${word(rng)} ${word(rng)};`,
  (rng) => `ignore ${rng.pick(['uid', 'uid gid mod', 'uid nothing', ''])};`,
  (rng) => `${rng.pick(['tempdir', 'database', 'lock-timeout'])} ${rng.pick(['/x', '10', '-1', 'mysql://u:p@h/d'])};`,
  () => 'no-cygwin-lowercase;',
  (rng) => `config ${rng.pick(['other.cfg', 'csync2.cfg', 'missing.cfg'])};`,
];

function statements(rng: Random, among: readonly Phrase[]): string {
  return Array.from({ length: rng.below(4) }, () => blank(rng) + rng.pick(among)(rng)).join('') + blank(rng);
}

export const configReading: Target = {
  name: 'config',
  input(rng) {
    if (rng.below(30) === 0) return noise(rng, rng.below(200));
    const text = Buffer.from(statements(rng, outside) + statements(rng, outside), 'latin1');
    return rng.below(3) === 0 ? text : mutate(text, rng);
  },
  run(input) {
    const files: Readonly<Record<string, Buffer>> = { 'csync2.cfg': input, 'other.cfg': Buffer.from('ignore uid;\n') };
    const read = (path: string): Buffer => {
      const bytes = files[path];
      if (bytes === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return bytes;
    };
    try {
      for (const { patterns } of parseConfig('csync2.cfg', read).groups) {
        PatternSet.compile(patterns).covers('/data/a.tmp' as FileName);
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const lines = input.toString('latin1').split('\n').length;
      assert.ok(error.line >= 0 && error.line <= lines + 1 && error.column >= 0, error.message);
      assert.ok(error.message.includes(error.reason) && error.reason.length > 0, error.message);
    }
  },
};

/** What leads naive matchers astray: many stars, brackets that do not end, the same letter again and again. */
const bits = [
  '*',
  '**',
  '?',
  'a',
  'a*',
  '[a-z]',
  '[!a]',
  '[',
  ']',
  '[[:alpha:]]',
  '[a',
  '\\',
  '/',
  '{a,b}',
  '+(a)',
  '-',
  '\xff',
];

export const patternMatching: Target = {
  name: 'pattern',
  input(rng) {
    const length = rng.pick([2, 6, 30]);
    const written = Array.from({ length: 1 + rng.below(length) }, () => rng.pick(bits)).join('');
    return Buffer.from(rng.pick(['', '/', '%p%/']) + written, 'latin1');
  },
  run(input, rng) {
    const text = input.toString('latin1');
    const set = PatternSet.compile([
      { kind: 'include', text: '/' },
      { kind: rng.pick(['include', 'exclude', 'compare']), text },
    ]);
    const name = `/${'a'.repeat(rng.below(250))}/${'ab/'.repeat(rng.below(100))}b` as FileName;
    assert.equal(typeof set.covers(name), 'boolean');
    assert.equal(typeof set.mayContain(name), 'boolean');
    compileHostPattern(text)('a'.repeat(rng.below(255)));
  },
};
