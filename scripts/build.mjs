// Builds dist/csync2: generated parser and WASM first, then one CommonJS bundle behind a small launcher.
//   node scripts/build.mjs                    everything
//   node scripts/build.mjs --generate-only    only what sources and tests import: the parser, the WASM modules and what threads run
// dist/ is replaced at the very end, in one step: whoever runs the old one meanwhile is not disturbed.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { replaceFile } from './replaceFile.mjs';

const top = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(top);

async function generateParser() {
  const source = 'grammar/csync2cfg.peggy';
  if (!existsSync(source)) return;
  const { default: peggy } = await import('peggy');
  const parser = peggy.generate(readFileSync(source, 'utf8'), {
    output: 'source',
    format: 'es',
    grammarSource: source,
    allowedStartRules: ['Configuration'],
  });
  replaceFile('src/config/parser.generated.js', parser);
}

async function generateWasm() {
  const recipe = 'scripts/build-wasm.mjs';
  if (existsSync(recipe)) await import(join(top, recipe));
}

/** What a check runs in a thread: one file, which finds nothing and nobody beside it. */
async function generateWalkThread() {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: ['src/scan/walkThread.ts'],
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
  });
  replaceFile('src/scan/walk-thread.generated.js', outputFiles[0].contents);
}

async function buildProgram() {
  const target = mkdtempSync('dist-');
  try {
    await bundle(target);
    // The package is ESM; what is in dist/ is CommonJS, also the launcher, whose name has no extension.
    writeFileSync(join(target, 'package.json'), '{ "type": "commonjs" }\n');
    copyFileSync('src/librsync/librsync-worker.generated.js', join(target, 'librsync-worker.mjs'));
    copyFileSync('src/scan/walk-thread.generated.js', join(target, 'walk-thread.mjs'));
    for (const file of readdirSync('src/librsync')) {
      if (file.endsWith('.wasm')) copyFileSync(join('src/librsync', file), join(target, file));
    }
    copyFileSync('scripts/launcher.cjs', join(target, 'csync2'));
    chmodSync(join(target, 'csync2'), 0o755);
    chmodSync(target, 0o755);
    // A start with compiled code takes half of the time.
    execFileSync(process.execPath, ['scripts/record-code.cjs', join(top, target)], { stdio: 'inherit' });
    replace('dist', target);
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

/** The launcher calls what this file evaluates to: a function that takes `require` and `__filename`. */
async function bundle(target) {
  const { build } = await import('esbuild');
  await build({
    entryPoints: ['src/main.ts'],
    outfile: join(target, 'csync2.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // Only who has such a database, makes a certificate or sits at a terminal needs these; they stay where npm put them.
    external: ['pg', 'mysql2', 'node-forge', 'cli-progress'],
    plugins: [nodeModules],
    define: { 'import.meta.url': 'csync2ModuleUrl' },
    banner: {
      js: "(function (require, __filename) {const csync2ModuleUrl = require('node:url').pathToFileURL(__filename).href;",
    },
    footer: { js: '})' },
    // Names stay as they are, for the sake of the traces of unforeseen errors.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
  });
  const file = join(target, 'csync2.cjs');
  writeFileSync(file, readFileSync(file, 'latin1').replace(lateForImport, '$1'), 'latin1');
}

/** Modules that every start of Node loads itself: nothing is won by loading them late. */
const always = ['fs', 'path', 'buffer', 'events', 'url', 'module', 'util', 'timers', 'process'];

/** What esbuild copies an object of getters with, one by one and for each file that imports it; these can be used as they are. */
const lateForImport = /__toESM\((require_late_\w+\(\))(?:,1)?\)/g;

/**
 * Imports of the modules that are there anyway go straight to these; by itself esbuild would make an object of getters for each
 * file that imports one. Imports of Node's other modules become objects that load the module when something of it is used: TLS
 * alone would be a tenth of the time that a start takes, and most runs never need it.
 */
const nodeModules = {
  name: 'node-modules',
  setup(build) {
    const require = createRequire(import.meta.url);
    const namesOf = (path) =>
      Object.keys(require(path)).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default');
    const sources = readdirSync('src', { recursive: true }).filter((name) => name.endsWith('.ts'));
    const text = sources.map((name) => readFileSync(join('src', name), 'utf8')).join('\n');
    // To read others could load more, or draw a warning that they are deprecated.
    const importedFrom = (path) => {
      const lists = text.matchAll(new RegExp(`^import [^;]*\\{([^}]*)\\} from '${path}';`, 'gm'));
      const words = new Set([...lists].flatMap(([, list]) => list.split(/[\s,]+/)));
      return namesOf(path).filter((name) => words.has(name));
    };
    const filter = /^node:/;
    build.onResolve({ filter }, ({ path, kind, pluginData }) => {
      if (pluginData === 'real') return { path, external: true };
      const name = path.slice('node:'.length);
      if (!always.includes(name)) {
        return { path: `late_${name.replace('/', '_')}`, namespace: 'late', pluginData: path };
      }
      return kind === 'require-call' ? { path, external: true } : { path, namespace: 'always' };
    });
    build.onLoad({ filter, namespace: 'always' }, ({ path }) => {
      const exported = importedFrom(path).map((name) => `export const ${name} = real.${name};`);
      return {
        contents: `const real = require(${JSON.stringify(path)}); export default real; ${exported.join(' ')}`,
        loader: 'js',
        pluginData: 'real',
      };
    });
    build.onLoad({ filter: /.*/, namespace: 'late' }, ({ pluginData: path }) => {
      const getters = namesOf(path).map((name) => `get ${name}() { return load().${name}; }`);
      return {
        contents: `let loaded; const load = () => (loaded ??= require(${JSON.stringify(path)}));
          module.exports = { __esModule: true, get default() { return load(); }, ${getters.join(', ')} };`,
        loader: 'js',
        pluginData: 'real',
      };
    });
  },
};

function replace(old, fresh) {
  const aside = `${fresh}-old`;
  for (let done = false; !done;) {
    rmSync(aside, { recursive: true, force: true });
    try {
      if (existsSync(old)) renameSync(old, aside);
      renameSync(fresh, old);
      done = true;
    } catch (error) {
      // Another build has taken the old one away, or put its own there, at this very moment: then that one is the old one.
      const isTaken = existsSync(fresh) && ['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code);
      if (!isTaken) throw error;
    }
  }
  rmSync(aside, { recursive: true, force: true });
}

await generateParser();
await generateWasm();
await generateWalkThread();
if (!process.argv.includes('--generate-only')) await buildProgram();
