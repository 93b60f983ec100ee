import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { group, scenarios } from './harness/scenario.ts';

const config = group();
const wrong = [
  '',
  '-c -h',
  '-x -T',
  '-q',
  '-H file',
  '-L file',
  '-R file',
  '-S $1',
  '-T a b c d',
  '-i file',
  '-k',
  '-v',
  'file',
];
wrong.push('-cx', '-uH', '-I', '-r /');

scenarios('usage', [
  {
    name: 'wrong options: the usage text on stdout and exit code 1',
    config,
    exempt: ['stdout'],
    why: 'our usage text is our own',
    run: async (w) => {
      for (const options of wrong) {
        const { stdout } = await w.fails(w.h1, options === '' ? [] : options);
        assert.match(stdout, /csync2/, options);
        assert.match(stdout, /-T/, options);
      }
    },
  },
  {
    name: '-k makes a key file, never overwriting one',
    config,
    exempt: ['stdout', 'messages'],
    why: 'our texts are our own',
    run: async (w) => {
      const args = ['-k', '$out1/key'];
      await w.h1.run(
        args.map((word) => w.fill(word)),
        { raw: true },
      );
      const key = w.h1.out.read('key') ?? '';
      assert.match(key, /^[A-Za-z0-9._]{64}\n$/);
      assert.equal(statSync(w.h1.out.path('key')).mode & 0o777, 0o600);
      const again = await w.h1.run(
        args.map((word) => w.fill(word)),
        { raw: true },
      );
      assert.notEqual(again.code, 0);
      assert.equal(w.h1.out.read('key'), key);
      w.h1.out.remove('key');
      await w.run(w.h1, '-k /no/such/directory/key', { raw: true });
      await w.fails(w.h1, ['-v', ...args], { raw: true });
    },
  },
  {
    name: 'the lock file stops every mode',
    config,
    exempt: ['messages'],
    why: 'the C program ends without counting',
    run: async (w) => {
      w.h1.configure('', 'csync2.lock');
      for (const options of ['-x', '-cr /', '-L', '-T', '-h /a']) {
        const { stdout, stderr } = await w.fails(w.h1, options);
        assert.match(stdout + stderr, /^Found .*csync2\.lock/m, options);
      }
    },
  },
]);

/** Configurations that must be refused, with what the message says. */
const refused: Readonly<Record<string, [string, RegExp]>> = {
  'a group without a key': ['group g { host $1 $2; include %t%; }', /every group must have a key/],
  'a group with two keys': ['group g { host $1 $2; key k; key k2; include %t%; }', /a group might only have one key/],
  'a key file that is missing': ['group g { host $1 $2; key none; include %t%; }', /Can't read keyfile .*none/],
  'an unknown auto method': ['group g { host $1 $2; key k; auto luck; }', /Unknown auto-setting 'luck'/],
  'a prefix that is not absolute': ['prefix p { on *: here; }', /is not an absolute path/],
  'an unknown word': ['group g { host $1 $2; key k; nonsense x; }', /./],
  'an end in the middle': ['group g { host $1', /./],
  'no group for this host': ['group g { host 127.2.1.8 127.2.1.9; key k; include %t%; }', /not a member of any/],
};

scenarios(
  'configurations',
  Object.entries(refused).map(([name, [text, message]]) => ({
    name,
    config: text,
    exempt: ['messages', 'stdout'] as const,
    why: 'our messages say file, line and column',
    run: async (w) => {
      const { stdout, stderr } = await w.fails(w.h1, '-cvr /');
      assert.match(stdout + stderr, message);
    },
  })),
);

scenarios('configuration forms', [
  {
    name: 'comments, CRLF, quotes, braces in words, includes',
    run: async (w) => {
      const group = 'group demo{1} {\r\n  host $1 "$2"; # comment ; }\r\n  key "k";\r\n  include "%t%";\r\n}\r\n';
      w.configure(`config $root/common.cfg;\n${group}`);
      w.h1.out.write('../../common.cfg', w.fill('# nothing\nlock-timeout 7;\ntempdir /tmp;\n'));
      w.h1.tree.write('a', 'a');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'no configuration at all',
    exempt: ['messages'],
    why: 'the C program ends without counting',
    run: async (w) => {
      await w.fails(w.h1, '-xv');
    },
  },
  {
    name: 'a key that is too short, and one with other characters',
    exempt: ['messages'],
    why: 'the C program ends without counting',
    config,
    run: async (w) => {
      w.h1.configure('short\n', 'k');
      const short = await w.fails(w.h1, '-cr /');
      assert.match(short.stderr, /is too short/);
      w.h1.configure(`${'a'.repeat(40)}!\n`, 'k');
      const odd = await w.fails(w.h1, '-cr /');
      assert.match(odd.stderr, /Unallowed character '!' in key file/);
    },
  },
]);
