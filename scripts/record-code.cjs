// Leaves what V8 compiles of the bundle in DIST during a check, for later starts of this Node to use; another Node ignores it.
//   node scripts/record-code.cjs DIST
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { createRequire } = require('node:module');
const vm = require('node:vm');

const dist = path.resolve(process.argv[2]);
const file = path.join(dist, 'csync2.cjs');
const trial = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'csync2-trial-'));
// A tree of its own: with another one, what is compiled would depend on the machine.
const tree = path.join(trial, 'tree');
fs.mkdirSync(path.join(tree, 'directory'), { recursive: true });
fs.writeFileSync(path.join(tree, 'directory/file'), '');
fs.writeFileSync(
  path.join(trial, 'csync2.cfg'),
  `nossl * *;\ngroup trial { host here there; key trial.key; include "${tree}"; }\n`,
);
fs.writeFileSync(path.join(trial, 'trial.key'), 'k'.repeat(64) + '\n', { mode: 0o600 });
process.env.CSYNC2_SYSTEM_DIR = trial;
process.argv.splice(2, 1, '-N', 'here', '-D', trial, '-cr', tree);

// Like launcher.cjs.
const script = new vm.Script(fs.readFileSync(file, 'latin1'), { filename: file });
process.on('exit', () => {
  const compiled = `csync2-${process.version}-${process.arch}.code`;
  fs.writeFileSync(path.join(dist, compiled), script.createCachedData());
  fs.rmSync(trial, { recursive: true });
});
script.runInThisContext()(createRequire(file), file);
