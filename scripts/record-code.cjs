// Runs the bundle in DIST like launcher.cjs, and leaves what V8 has compiled on the way for later starts to use.
//   node scripts/record-code.cjs DIST [ARGUMENT...]
const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');
const vm = require('node:vm');

const [dist] = process.argv.splice(2, 1);
const file = path.join(dist, 'csync2.cjs');
const script = new vm.Script(fs.readFileSync(file, 'latin1'), { filename: file });
process.on('exit', () => {
  const compiled = `csync2-${process.version}-${process.arch}.code`;
  fs.writeFileSync(path.join(dist, compiled), script.createCachedData());
});
script.runInThisContext()(createRequire(file), file);
