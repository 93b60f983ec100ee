import type { FileName } from '../bytes/bytes.ts';
import type { Pair } from '../groups/cluster.ts';
import * as messages from '../log/messages.ts';
import { formatCommand } from '../protocol/formatCommand.ts';
import { ChannelError } from '../transport/channel.ts';
import { ConversationError } from './conversationError.ts';
import { callPeer, type Line } from './handshake.ts';
import { moreBytes, status } from './replies.ts';

/** The content of a file on the peer, over a connection of its own: only the end of the connection tells its end. */
export async function* fetchContent(
  line: Line,
  pair: Pair,
  key: string,
  file: FileName,
): AsyncGenerator<Uint8Array, void, undefined> {
  const peerLine = await callPeer(line, pair.peer);
  try {
    await peerLine.mustHello(pair.myname);
    const { conversation } = peerLine;
    const answer = await conversation.ask(formatCommand({ name: 'TYPE', key, file }), status);
    if (!answer.ok) {
      const code = answer.kind === 'notMounted' ? 'NOT_MOUNTED' : 'REFUSED';
      throw new ConversationError(code, messages.errorFromPeer(pair.peer, answer.line));
    }
    for (;;) yield await conversation.askAfter('', moreBytes);
  } catch (error) {
    if (!(error instanceof ChannelError && (error.code === 'CLOSED' || error.code === 'RESET'))) throw error;
  } finally {
    peerLine.hangUp();
  }
}
