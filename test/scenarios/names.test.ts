import assert from 'node:assert/strict';
import { group, scenarios } from './harness/scenario.ts';

const config = group();
const odd = [
  'sp ace', 'tab\there', 'new\nline', "q'uo\"te", 'back\\sl', '$(id)', 'star*', 'br[a]', 'semi;amp&', 'col:on|pipe',
  'pct%41x', '%t%', '%25', '-dash', '-rf', '--', '.hidden', '...', '\x7fdel', '\x01ctrl', 'utf\xc3\xa9', 'latin\xe9\xff',
  ' leading', 'trailing ', 'a\rb', '{1}', '#comment', '@at', '~', 'NULL', "'; DROP TABLE file; --",
]; // prettier-ignore

scenarios('names', [
  {
    name: 'odd names arrive, change and go',
    tls: true,
    config,
    run: async (w) => {
      await w.settle();
      odd.forEach((name) => w.h1.tree.write(name, name));
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      odd.forEach((name, at) => w.h1.tree.write(name, `${name} again`, { mtime: 1_700_000_100 + at }));
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      odd.forEach((name) => w.h1.tree.remove(name));
      await w.ok(w.h1, '-xv');
      assert.deepEqual(w.h2.tree.names(), []);
    },
  },
  {
    name: 'every byte but the slash and NUL, as a name and inside one',
    config,
    run: async (w) => {
      await w.settle();
      for (let byte = 1; byte < 256; byte++) {
        const char = String.fromCharCode(byte);
        if (char === '/') continue;
        if (char !== '.') w.h1.tree.write(char, char);
        if (byte % 5 === 0) w.h1.tree.write(`in${char}side`, char);
      }
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      assert.ok(w.h2.tree.names().length > 300);
      await w.expect(2, w.h1, '-T');
    },
  },
  {
    name: 'odd names of directories, with files in them',
    config,
    run: async (w) => {
      await w.settle();
      for (const name of odd) {
        w.h1.tree.mkdir(name);
        w.h1.tree.write(`${name}/in`, 'in');
      }
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      w.h1.tree.remove('%t%');
      w.h1.tree.remove('-rf');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'odd names as arguments and in listings',
    config,
    exempt: ['tree', 'file', 'dirty', 'messages', 'served', 'wire'],
    why: 'below a prefix the C program does not update a file that is named',
    run: async (w) => {
      await w.settle();
      odd.forEach((name) => w.h1.tree.write(name, name));
      for (const name of ['sp ace', 'latin\xe9\xff', '-dash', 'pct%41x', 'new\nline']) {
        await w.ok(w.h1, ['-cv', `$tree1/${name}`]);
      }
      await w.ok(w.h1, '-M');
      await w.ok(w.h1, '-L');
      await w.ok(w.h1, ['-uv', '$tree1/sp ace']);
      if (w.acting === 'ours') assert.deepEqual(w.h2.tree.names(), ['sp ace']);
    },
  },
  {
    name: 'siblings that sort around a directory: a, a.txt, a/x, a0',
    config,
    run: async (w) => {
      await w.settle((tree) => {
        tree.mkdir('a');
        ['a/x', 'a.txt', 'a-b', 'a0', 'a b', 'aa'].forEach((name) => tree.write(name, name));
      });
      w.h1.tree.remove('a');
      await w.ok(w.h1, ['-cvr', '$tree1/a']);
      await w.ok(w.h1, '-uv');
      assert.deepEqual(w.h2.tree.names(), ['a b', 'a-b', 'a.txt', 'a0', 'aa']);
    },
  },
  {
    name: 'names that differ in case only',
    config,
    run: async (w) => {
      await w.settle();
      ['Readme', 'README', 'readme'].forEach((name) => w.h1.tree.write(name, name));
      await w.ok(w.h1, '-xv');
      w.assertInSync();
      w.h1.tree.remove('README');
      await w.ok(w.h1, '-xv');
      w.assertInSync();
    },
  },
  {
    name: 'a name of 255 bytes and a path of 2,000',
    config,
    run: async (w) => {
      await w.settle();
      w.h1.tree.write('n'.repeat(255), 'long name');
      const path = Array.from({ length: 9 }, (_, at) => String(at).repeat(215)).join('/');
      w.h1.tree.mkdir(path);
      w.h1.tree.write(`${path}/leaf`, 'leaf');
      await w.run(w.h1, '-xv');
      await w.run(w.h1, '-T');
    },
  },
  {
    name: 'a path of almost 4,000 bytes',
    config,
    run: async (w) => {
      await w.settle();
      const path = Array.from({ length: 19 }, (_, at) => String(at % 10).repeat(204)).join('/');
      w.h1.tree.mkdir(path);
      w.h1.tree.write(`${path}/leaf`, 'leaf');
      await w.run(w.h1, '-xv');
    },
  },
]);
