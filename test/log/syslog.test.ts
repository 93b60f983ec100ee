import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { createLog } from '../../src/log/levelLog.ts';
import type { Sink } from '../../src/log/log.ts';
import { createSyslogSink } from '../../src/log/syslogSink.ts';

/** A syslog server on a loopback port and the arguments that lead logger(1) to it. */
async function syslogServer() {
  const socket = createSocket('udp4');
  const received: string[] = [];
  socket.on('message', (data) => received.push(data.toString('latin1')));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  return {
    received,
    loggerArguments: ['--server=127.0.0.1', `--port=${port}`, '--udp', '--rfc3164'],
    async messages(count: number): Promise<string[]> {
      while (received.length < count) await once(socket, 'message', { signal: AbortSignal.timeout(60_000) });
      return received;
    },
    close: () => socket.close(),
  };
}

test('messages carry facility local0, a priority by level, ident and process id; bytes stay as they are', async () => {
  const server = await syslogServer();
  try {
    const sink = createSyslogSink({ loggerArguments: server.loggerArguments });
    const log = createLog(3, sink, '<4711> ');
    log.error('Finished with 1 errors.');
    log.write(1, 'Updated /latin\xe9 from h.');
    log.write(2, 'Match');
    log.write(3, 'two\n<128>lines');
    log.write(4, 'too much');
    sink.flush();
    const messages = await server.messages(4);
    const tails = messages.map((message) => message.replace(/^(<\d+>).*?( csync2\[)/, '$1$2'));
    assert.deepEqual(tails, [
      `<132> csync2[${process.pid}]: Finished with 1 errors.`,
      `<134> csync2[${process.pid}]: Updated /latin\xe9 from h.`,
      `<135> csync2[${process.pid}]: Match`,
      `<135> csync2[${process.pid}]: two\\n<128>lines`,
    ]);
  } finally {
    server.close();
  }
});

test('messages go out by themselves after a moment, and at exit', async () => {
  const server = await syslogServer();
  try {
    createSyslogSink({ loggerArguments: server.loggerArguments }).write(1, '', 'by and by');
    await Promise.all([server.messages(1), new Promise((resolve) => setTimeout(resolve, 400))]);
    const library = new URL('../../src/log/syslogSink.ts', import.meta.url).href;
    const code = `
      import { createSyslogSink } from '${library}';
      const sink = createSyslogSink({ loggerArguments: ${JSON.stringify(server.loggerArguments)} });
      sink.write(0, '', 'last words');
      process.exit(0);`;
    spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { stdio: 'ignore' });
    const messages = await server.messages(2);
    assert.match(messages[0] ?? '', /by and by$/);
    assert.match(messages[1] ?? '', /last words$/);
  } finally {
    server.close();
  }
});

test('without a syslog the fallback gets the messages, and without a fallback nothing breaks', () => {
  const lines: string[] = [];
  const fallback: Sink = { write: (_level, prefix, text) => void lines.push(prefix + text), flush: () => {} };
  const nowhere = ['--socket=/nonexistent/log'];
  const sink = createSyslogSink({ fallback, loggerArguments: nowhere });
  sink.write(0, '<1> ', 'bad');
  sink.flush();
  assert.deepEqual(lines, ['<1> bad']);
  const silent = createSyslogSink({ loggerArguments: nowhere });
  silent.write(0, '', 'bad');
  silent.flush();
});
