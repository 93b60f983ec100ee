import * as messages from '../log/messages.ts';
import { ChannelError } from '../transport/channel.ts';

/** Why the conversation with a peer did not come about or ended early, in one line. */
export function describeFailure(error: unknown, peer: string): string {
  if (error instanceof ChannelError) {
    if (error.code === 'CONNECT' || error.code === 'CONNECT_TIMEOUT') return messages.cannotConnect(error.message);
    if (error.code === 'RESOLVE') return messages.cannotResolve(error.message);
  }
  if (!(error instanceof Error)) return `${peer}: ${String(error)}`;
  // An error without a code was not foreseen: show where it comes from.
  return 'code' in error ? `${peer}: ${error.message}` : (error.stack ?? error.message);
}
