// Compiles src/librsync/assembly twice: with vectors, and without for engines that have none. Only what is older than
// its sources (or than this recipe) is compiled again. Then makes one JavaScript file of the worker thread, which finds
// the modules beside it.
import { existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { replaceFile } from './replaceFile.mjs';

const top = join(dirname(fileURLToPath(import.meta.url)), '..');
const room = join(top, 'src/librsync');
const sources = readdirSync(join(room, 'assembly')).map((file) => join(room, 'assembly', file));
const newest = Math.max(...[...sources, fileURLToPath(import.meta.url)].map((file) => statSync(file).mtimeMs));

const common = [
  '-O3',
  '--runtime',
  'stub',
  '--importMemory',
  '--noExportMemory',
  '--initialMemory',
  '256',
  '--noAssert',
];
const variants = [
  { file: 'librsync-simd.wasm', features: ['--enable', 'simd'] },
  { file: 'librsync-scalar.wasm', features: ['--disable', 'simd'] },
];

for (const { file, features } of variants) {
  const output = join(room, file);
  if (existsSync(output) && statSync(output).mtimeMs > newest) continue;
  const { default: asc } = await import('assemblyscript/asc');
  const entry = 'src/librsync/assembly/index.ts';
  const fresh = `src/librsync/${file}.${process.pid}`;
  const { error, stderr } = await asc.main([entry, '--baseDir', top, '-o', fresh, ...common, ...features]);
  if (error) throw new Error(`${file} does not compile:\n${stderr.toString()}`, { cause: error });
  renameSync(join(top, fresh), output);
}

const { build } = await import('esbuild');
const worker = await build({
  entryPoints: [join(room, 'signatureWorker.ts')],
  write: false,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  legalComments: 'none',
});
replaceFile(join(room, 'librsync-worker.generated.js'), worker.outputFiles[0].contents);
