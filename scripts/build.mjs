// Builds dist/csync2: generated parser and WASM first, then one CommonJS bundle behind a small launcher.
//   node scripts/build.mjs                    everything
//   node scripts/build.mjs --generate-only    only what sources and tests import: the parser and the WASM modules
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(top);

await generateParser();
await generateWasm();
if (!process.argv.includes('--generate-only')) await bundle();

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
  writeFileSync('src/config/parser.generated.js', parser);
}

async function generateWasm() {
  const recipe = 'scripts/build-wasm.mjs';
  if (existsSync(recipe)) await import(join(top, recipe));
}

async function bundle() {
  const { build } = await import('esbuild');
  rmSync('dist', { recursive: true, force: true });
  mkdirSync('dist');
  await build({
    entryPoints: ['src/main.ts'],
    outfile: 'dist/csync2.cjs',
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['better-sqlite3'],
    define: { 'import.meta.url': 'csync2ModuleUrl' },
    banner: { js: "const csync2ModuleUrl = require('node:url').pathToFileURL(__filename).href;" },
    legalComments: 'none',
  });
  // The package is ESM; what is in dist/ is CommonJS, also the launcher, whose name has no extension.
  writeFileSync('dist/package.json', '{ "type": "commonjs" }\n');
  copyFileSync('src/librsync/librsync-worker.generated.js', 'dist/librsync-worker.mjs');
  for (const file of readdirSync('src/librsync')) {
    if (file.endsWith('.wasm')) copyFileSync(join('src/librsync', file), join('dist', file));
  }
  writeFileSync('dist/csync2', "#!/usr/bin/env node\n'use strict';\nrequire('./csync2.cjs');\n");
  chmodSync('dist/csync2', 0o755);
}
