import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { claimed, processStartTime, unclaimed } from '../../src/actions/claim.ts';
import { runActions } from '../../src/actions/runActions.ts';
import { runShell } from '../../src/actions/runShell.ts';
import type { DiskPath, FileName } from '../../src/bytes/bytes.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { createLog } from '../../src/log/levelLog.ts';
import type { BranchingLog } from '../../src/log/log.ts';
import { openSqlite } from '../../src/store/sqlite/sqlite.ts';
import type { Store } from '../../src/store/store.ts';

let directory: string;
let store: Store;
let lines: string[];
let log: BranchingLog;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'actions-'));
  store = openSqlite(join(directory, 'state.db3'), { lockTimeout: 5, unsafe: true, smallTransactions: false });
  lines = [];
  log = createLog(1, { write: (_level, _prefix, message) => void lines.push(message), flush: () => {} });
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

const inDirectory = (name: string) => join(directory, name);
const read = (name: string) => readFileSync(inDirectory(name), 'latin1');

/** `%p%/x` stands for `/real/x`; other prefixes have no place here. */
function toDisk(name: FileName): DiskPath | undefined {
  if (!name.startsWith('%')) return name as unknown as DiskPath;
  return name.startsWith('%p%') ? (('/real' + name.slice(3)) as DiskPath) : undefined;
}

/** For as long as a file is missing; fails when that is for ever. */
const waitFor = (name: string): string =>
  `tries=0; while test ! -e '${inDirectory(name)}'; do tries=$((tries + 1)); test $tries -lt 3000 || exit 9; sleep 0.01; done`;

async function queue(command: string, files: readonly string[], logfile = '/dev/null'): Promise<void> {
  await store.apply(
    files.map((file) => ({
      type: 'queueAction',
      name: encode(file),
      command: encode(command),
      logfile: encode(logfile),
    })),
  );
}

test('a command runs once for all its files, output goes to the log file, the rows go', async () => {
  const out = inDirectory('out');
  await queue('echo run %%; echo error >&2', ['/b', '/a c', '%p%/x'], out);
  await queue('echo other', ['/b'], out);
  await runActions(store, toDisk, log);
  assert.equal(read('out'), 'other\nrun /real/x /a c /b\nerror\n');
  assert.deepEqual(lines, ["Running 'echo other' ...", "Running 'echo run /real/x '/a c' /b; echo error >&2' ..."]);
  assert.deepEqual(await store.actions(), []);
  assert.equal(log.errors, 0);
  await queue('echo appended', ['/b'], out);
  await runActions(store, toDisk, log);
  assert.match(read('out'), /error\nappended\n$/);
});

test('one command with two log files runs for each', async () => {
  await queue('echo %%', ['/a'], inDirectory('one'));
  await queue('echo %%', ['/b'], inDirectory('two'));
  await runActions(store, toDisk, log);
  assert.deepEqual([read('one'), read('two')], ['/a\n', '/b\n']);
});

test('commands have nothing on stdin, our directory and environment, and no other descriptors', async () => {
  await queue(
    'cat; pwd; echo "$PATH"; for d in 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$d && echo "has $d"; done; :',
    ['/a'],
    inDirectory('out'),
  );
  await runActions(store, toDisk, log);
  assert.equal(read('out'), `${process.cwd()}\n${process.env['PATH']}\n`);
  assert.equal(log.errors, 0);
});

test('a relative log file is where the run was when its turn came, wherever a walk is meanwhile', async (t) => {
  const before = process.cwd();
  t.after(() => process.chdir(before));
  process.chdir(directory);
  // Opened when all threads have done something else first.
  const busy = Array.from({ length: 8 }, () => promisify(pbkdf2)('', '', 100_000, 32, 'sha512'));
  const run = runShell('echo output', 'out');
  process.chdir(before);
  await Promise.all([run, ...busy]);
  assert.equal(read('out'), 'output\n');
});

test('names and commands that are not UTF-8 arrive byte by byte', async () => {
  await queue(`printf '<%s>' caf\xe9 %%`, ['/latin\xe9\xff', '/utf\xc3\xa9', "/q'\x81\x88"], inDirectory('out'));
  await runActions(store, toDisk, log);
  assert.equal(read('out'), "<caf\xe9></latin\xe9\xff></q'\x81\x88></utf\xc3\xa9>");
});

test('lists longer than the kernel takes as arguments reach a shell loop', async () => {
  const files = Array.from(
    { length: 25_000 },
    (_, index) => `/directory/with/a/long/name/file-${index}-${'x'.repeat(40)}`,
  );
  await queue("for f in %%; do echo; done | wc -l; printf '%s\\n' %% | tail -n 1", files, inDirectory('out'));
  await runActions(store, toDisk, log);
  assert.match(read('out'), /^25000\n\/directory\/with\/a\/long\/name\/file-9999-x+\n$/);
  assert.deepEqual(await store.actions(), []);
});

test('a command that fails, by status or by signal, is an error; the others run and all rows go', async () => {
  await queue('exit 3', ['/a']);
  await queue('kill -9 $$', ['/a']);
  await queue('echo "', ['/a']);
  await queue('echo fine', ['/a'], inDirectory('out'));
  await runActions(store, toDisk, log);
  assert.equal(log.errors, 3);
  assert.ok(lines.includes("Command 'exit 3' exited with status 3."));
  assert.ok(lines.includes("Command 'kill -9 $$' was killed by SIGKILL."));
  assert.equal(read('out'), 'fine\n');
  assert.deepEqual(await store.actions(), []);
});

test('a log file that cannot be opened is an error, and the command runs', async () => {
  await queue(`: > ${inDirectory('ran')}`, ['/a'], inDirectory('none/log'));
  await runActions(store, toDisk, log);
  assert.ok(existsSync(inDirectory('ran')));
  assert.equal(log.errors, 1);
});

test('a log file that is a FIFO is written to while somebody reads it, and is else an error that holds nobody up', async () => {
  const fifo = inDirectory('fifo');
  spawnSync('mkfifo', [fifo]);
  const command = `echo unread >&2; touch '${inDirectory('ran')}'`;
  await queue(command, ['/b'], fifo);
  await runActions(store, toDisk, log);
  assert.ok(existsSync(inDirectory('ran')));
  assert.ok(lines.includes(`Log file ${fifo} of a command cannot be opened: ENXIO.`), lines.join('\n'));

  // Open for both, it does not wait for a writer, so that it can tell when it is there.
  const script = `exec 3<>'${fifo}'; printf r; exec head -c 300000 <&3`;
  const reader = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  let heard = -1;
  const isReady = new Promise((resolve) => reader.stdout.once('data', resolve));
  reader.stdout.on('data', (chunk: Buffer) => (heard += chunk.length));
  const ended = new Promise((resolve) => reader.once('close', resolve));
  await isReady;
  // More than a pipe holds.
  await queue('head -c 300000 /dev/zero', ['/c'], fifo);
  await runActions(store, toDisk, log);
  await ended;
  assert.equal(heard, 300_000);
});

test('a command whose files have no place on this host does not run', async () => {
  await queue(`: > ${inDirectory('ran')}`, ['%other%/a']);
  await runActions(store, toDisk, log);
  assert.equal(existsSync(inDirectory('ran')), false);
  assert.equal(log.errors, 1);
});

test('the event loop goes on while a command runs', async () => {
  // It ends because something else is done meanwhile.
  await queue(waitFor('go'), ['/a']);
  let ticks = 0;
  const timer = setInterval(() => {
    if (++ticks === 6) writeFileSync(inDirectory('go'), '');
  }, 10);
  await runActions(store, toDisk, log);
  clearInterval(timer);
  assert.equal(log.errors, 0);
  assert.ok(ticks > 5);
});

test('a file queued again while the command runs is run again', async () => {
  const command = `echo ran %%; ${waitFor('go')}`;
  await queue(command, ['/a'], inDirectory('out'));
  const first = runActions(store, toDisk, log);
  while (!existsSync(inDirectory('out')) || read('out') === '') await new Promise((resolve) => setTimeout(resolve, 5));
  await queue(command, ['/a'], inDirectory('out'));
  writeFileSync(inDirectory('go'), '');
  await first;
  assert.equal(log.errors, 0);
  assert.equal((await store.actions()).length, 1);
  await runActions(store, toDisk, log);
  assert.equal(read('out'), 'ran /a\nran /a\n');
  assert.deepEqual(await store.actions(), []);
});

test('runs at the same time, here and in another process, share the work', async () => {
  await queue('sleep 0.2; echo %%', ['/a'], inDirectory('out'));
  await queue('echo %%', ['/b'], inDirectory('out'));
  await Promise.all([runActions(store, toDisk, log), runActions(store, toDisk, log), runActions(store, toDisk, log)]);
  assert.equal(read('out').split('\n').sort().join('\n'), '\n/a\n/b');

  const other = spawn('sleep', ['60']);
  try {
    const claim = { pid: other.pid ?? 0, startTime: processStartTime(other.pid ?? 0) ?? '', run: 1 };
    await queue(claimed('echo busy %%', claim), ['/c'], inDirectory('out'));
    await runActions(store, toDisk, log);
    assert.doesNotMatch(read('out'), /busy/);
  } finally {
    other.kill();
  }
});

test('what a killed process had claimed is run by the next one', async () => {
  const dead = spawnSync('true').pid;
  await queue(claimed('echo left %%', { pid: dead, startTime: '1', run: 1 }), ['/c', '/d'], inDirectory('out'));
  await queue('echo left %%', ['/d', '/e'], inDirectory('out'));
  await runActions(store, toDisk, log);
  assert.deepEqual(read('out').trim().split(' ').slice(1).sort(), ['/c', '/d', '/e']);
  assert.deepEqual(await store.actions(), []);
});

test('nothing is added to the end of a command, whatever is open there', async () => {
  await queue('cat <<END\nof the command', ['/a'], inDirectory('document'));
  await queue('echo one \\', ['/a'], inDirectory('word'));
  await runActions(store, toDisk, log);
  assert.equal(log.errors, 0);
  assert.match(read('document'), /of the command\n?$/);
  assert.equal(read('word'), 'one \\\n');
});

test('a script that does not arrive whole, since nobody waits for it any more, does nothing', async () => {
  // More than fits into the connection at once.
  const script = `echo begun >>'${inDirectory('ran')}'\n`.repeat(20_000);
  const { abandoned } = await runShell(script, '/dev/null', AbortSignal.abort());
  assert.ok(abandoned);
  const children = (): string => readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1');
  while (children() !== '') await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(existsSync(inDirectory('ran')), false);
});

test('a claimed command does for any shell what it did before', () => {
  const claim = { pid: 4711, startTime: '99', run: 2 };
  const command = claimed('echo $((1 + 1))', claim);
  assert.equal(spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout, '2\n');
  assert.deepEqual(unclaimed(command), { command: 'echo $((1 + 1))', claim });
  assert.deepEqual(unclaimed('echo'), { command: 'echo', claim: undefined });
});

test('log files are made with the usual permissions', async () => {
  await queue('echo', ['/a'], inDirectory('out'));
  await runActions(store, toDisk, log);
  assert.equal(statSync(inDirectory('out')).mode & 0o777, 0o666 & ~process.umask());
});
