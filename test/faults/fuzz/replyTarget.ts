import assert from 'node:assert/strict';
import { ProtocolError } from '../../../src/protocol/errors.ts';
import { Inbox } from '../../../src/protocol/inbox.ts';
import { signBytes } from '../../../src/librsync/index.ts';
import { ConversationError } from '../../../src/sync/conversationError.ts';
import type { ReplyParser } from '../../../src/sync/conversation.ts';
import {
  figureReply,
  line,
  listStep,
  moreBytes,
  patchReply,
  signatureReply,
  status,
} from '../../../src/sync/replies.ts';
import type { Random } from '../harness/random.ts';
import { mutate, noise } from './mutate.ts';
import { outcome, pieces, type Target } from './target.ts';

const signature = Buffer.from(signBytes(Buffer.alloc(5000, 'abc'))).toString('latin1');
const checktxt = 'v1%3Amtime=0%3Amode=33188%3Auid=0%3Agid=0%3Atype=reg%3Asize=5000';

/** Answers, by the parser that is made for them. */
const answers: Readonly<Record<string, readonly string[]>> = {
  status: ['OK (cmd_finished).\n', 'File is also marked dirty here!\n', 'Parent dir missing.\r\n', '\n'],
  signatureReply: [
    `OK (data_follows).\n${checktxt}\noctet-stream ${signature.length}\n${signature}OK (cmd_finished).\n`,
    'OK (path_not_found).\n---\noctet-stream 0\nOK (cmd_finished).\n',
    'OK (data_follows).\nv1\noctet-stream -1\nOK (cmd_finished).\n',
    'Permission denied!\n',
  ],
  figureReply: ['OK (data_follows).\n1700000000\n', 'OK (data_follows).\n-1\n', 'OK (cmd_finished).\n'],
  patchReply: [
    `OK (send_data).\noctet-stream ${signature.length}\n${signature}`,
    'OK (send_data).\noctet-stream 12\nrs\x016\0\0\x08\0\0\0\0\x08',
    'OK (send_data).\nERROR\n',
    'Permission denied for slave!\n',
  ],
  listStep: [`${checktxt}\t%25t%25/a\n${checktxt}\t/b\nOK (cmd_finished).\n`, 'OK (cmd_finished).\n'],
  line: ['a line\n'],
  moreBytes: ['bytes'],
};

const parsers: Readonly<Record<string, ReplyParser<unknown>>> = {
  status,
  signatureReply: signatureReply((length) => length < 1000),
  figureReply,
  patchReply,
  listStep,
  line,
};

/** What each parser in turn makes of the stream: together, everything up to where it ends or breaks. */
function read(names: readonly string[], chunks: Iterable<Buffer>): string {
  const inbox = new Inbox(2000);
  const arriving = chunks[Symbol.iterator]();
  return names
    .map((name) => {
      const parser = (parsers[name] as ReplyParser<unknown>)(inbox);
      for (;;) {
        const step = parser.next();
        if (step.done === true) return JSON.stringify(step.value);
        const chunk = arriving.next();
        if (chunk.done === true) return 'wants more';
        inbox.push(chunk.value);
      }
    })
    .join();
}

export const replyDecoding: Target = {
  name: 'reply',
  input(rng: Random): Buffer {
    if (rng.below(30) === 0) return noise(rng, rng.below(300));
    const kinds = Object.values(answers).flat();
    const stream = Array.from({ length: 1 + rng.below(4) }, () => rng.pick(kinds)).join('');
    return mutate(Buffer.from(stream, 'latin1'), rng);
  },
  run(input, rng) {
    // The parsers of lists take what is there, so that only others must find the same however it arrives.
    const names = Array.from({ length: 1 + rng.below(4) }, () => rng.pick(Object.keys(parsers)));
    const whole = outcome(() => read(names, [input]), ProtocolError, ConversationError);
    const cut = outcome(() => read(names, pieces(Buffer.from(input), rng)), ProtocolError, ConversationError);
    if (!names.includes('listStep')) assert.equal(cut, whole);
    const inbox = new Inbox();
    inbox.push(input);
    const rest = moreBytes(inbox).next();
    assert.equal(rest.done, input.length > 0);
  },
};
