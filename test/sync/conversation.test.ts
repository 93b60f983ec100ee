import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createLog } from '../../src/log/levelLog.ts';
import { Inbox } from '../../src/protocol/inbox.ts';
import { Conversation } from '../../src/sync/conversation.ts';
import { status } from '../../src/sync/replies.ts';
import { type Channel, ChannelError } from '../../src/transport/channel.ts';

test('what is asked once the connection has ended is refused, whether or not anybody waits for that', async () => {
  const ended: Partial<Channel> = { read: () => Promise.resolve(undefined) };
  const log = createLog(0, { write: () => undefined, flush: () => undefined });
  const conversation = new Conversation(ended as Channel, new Inbox(1024), log);
  await setImmediate();
  assert.ok(conversation.failed);
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  try {
    const first = conversation.ask('SIG k f', status);
    const second = conversation.askAfter('octet-stream 0\n', status);
    await setImmediate();
    await assert.rejects(first, ChannelError);
    await assert.rejects(second, { code: 'CLOSED' });
    assert.deepEqual(unhandled, []);
  } finally {
    process.off('unhandledRejection', note);
  }
});
