import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLog } from '../../src/log/levelLog.ts';
import { createStderrSink, sameStream } from '../../src/log/stderrSink.ts';

const library = new URL('../../src/log/', import.meta.url).href;

function program(body: string): string[] {
  const imports = `
    import { createLog, pidPrefix } from '${library}levelLog.ts';
    import { createStderrSink } from '${library}stderrSink.ts';
    import { createTimestamps } from '${library}timestamps.ts';`;
  return ['--import', 'tsx', '--input-type=module', '-e', imports + body];
}

test('bytes reach stderr as they are, in order, whatever the level', () => {
  const { stderr } = spawnSync(
    process.execPath,
    program(`
      const log = createLog(4, createStderrSink());
      log.write(4, 'latin\\xe9\\xff');
      log.write(1, 'tab\\there');
      log.error('last');`),
  );
  assert.equal(stderr.toString('latin1'), 'latin\xe9\xff\ntab\there\nlast\n');
});

test('nothing is lost when the process exits at once', () => {
  const { stderr } = spawnSync(
    process.execPath,
    program(`
      const log = createLog(3, createStderrSink());
      for (let i = 0; i < 5000; i++) log.write(3, 'line ' + i);
      process.exit(3);`),
    { encoding: 'latin1' },
  );
  const lines = stderr.trimEnd().split('\n');
  assert.equal(lines.length, 5000);
  assert.equal(lines[4999], 'line 4999');
});

test('lines come out while the program goes on without a pause, and when it waits', async () => {
  const child = spawn(
    process.execPath,
    program(`
      const log = createLog(1, createStderrSink());
      log.write(1, 'before waiting');
      setInterval(() => {}, 60000);`),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  try {
    let seen = '';
    for await (const chunk of child.stderr) {
      seen += String(chunk);
      if (seen.includes('before waiting\n')) break;
    }
    assert.equal(seen, 'before waiting\n');
  } finally {
    child.kill('SIGKILL');
  }
});

test('a full non-blocking pipe delays the writer and loses nothing', async () => {
  const child = spawn(
    process.execPath,
    program(`
      const log = createLog(2, createStderrSink());
      for (let i = 0; i < 60000; i++) log.write(2, 'line ' + i);`),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  let text = '';
  child.stderr.setEncoding('latin1');
  for await (const chunk of child.stderr) text += String(chunk);
  const lines = text.trimEnd().split('\n');
  assert.equal(lines.length, 60000);
  lines.forEach((line, index) => assert.equal(line, `line ${index}`));
});

test('a reader that goes away does not end the program', async () => {
  const child = spawn(
    process.execPath,
    program(`
      const log = createLog(1, createStderrSink());
      process.stdin.once('data', () => {
        log.error('nobody reads this');
        process.exit(7);
      });`),
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  child.stderr.destroy();
  await once(child.stderr, 'close');
  child.stdin.write('go');
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 7);
});

test('time stamps: the time of day in front of lines, begin, end and total in the stream and in the file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'log-'));
  try {
    const file = join(directory, 'stamps');
    const { stderr, pid } = spawnSync(
      process.execPath,
      program(`
        const log = createLog(1, createStderrSink({ timestamps: true }), pidPrefix(12));
        const stamps = createTimestamps({ stderr: true, file: ${JSON.stringify(file)} });
        stamps.begin();
        log.write(1, 'hello');
        log.error('bad');
        stamps.end();`),
      { encoding: 'latin1', env: { ...process.env, TZ: 'UTC' } },
    );
    const stamp = 'TIMESTAMP: \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC \\(GMT\\+0000\\)\n';
    const total = 'TOTALTIME: 0:00:0\\d\n';
    const clock = '\\[\\d\\d:\\d\\d:\\d\\d\\] <12> ';
    assert.match(stderr, new RegExp(`^${stamp}${clock}hello\n${clock}bad\n${stamp}${total}$`));
    const inFile = readFileSync(file, 'latin1');
    assert.match(inFile, new RegExp(`^<${pid}> ${stamp}<${pid}> ${stamp}<${pid}> ${total}$`));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('streams are told apart: one file opened twice is one stream, a closed descriptor none', () => {
  const directory = mkdtempSync(join(tmpdir(), 'log-'));
  try {
    const [a, b, c] = ['x', 'x', 'y'].map((name) => openSync(join(directory, name), 'a')) as [number, number, number];
    assert.equal(sameStream(a, b), true);
    assert.equal(sameStream(a, c), false);
    assert.equal(sameStream(a, 999), false);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('verbose lines cost little: 200,000 in well under a second', () => {
  const log = createLog(2, createStderrSink({ fd: openSync('/dev/null', 'a') }));
  const started = process.cpuUsage();
  for (let i = 0; i < 200_000; i++) log.write(2, 'Checking /some/directory/some/file.');
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 1_000_000);
});
