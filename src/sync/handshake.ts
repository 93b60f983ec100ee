import { encode } from '../bytes/urlEncoding.ts';
import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { type Extension, parseCapabilities } from '../protocol/capabilities.ts';
import { formatCommand } from '../protocol/formatCommand.ts';
import { Inbox, replyLineLimit } from '../protocol/inbox.ts';
import { isOk } from '../protocol/replies.ts';
import type { Store } from '../store/store.ts';
import { type Channel, ChannelError, type TlsCredentials } from '../transport/channel.ts';
import { Conversation } from './conversation.ts';
import { ConversationError } from './conversationError.ts';
import { type Status, status } from './replies.ts';

/** How to reach a peer and what to tell it first. */
export interface Line {
  readonly dial: (peer: string) => Promise<Channel>;
  readonly credentials: () => Promise<TlsCredentials>;
  readonly usesPlain: (peer: string) => boolean;
  readonly store: Store;
  readonly log: Log;
  /** Name of the configuration, '' for the default one. */
  readonly config: string;
  /** `-G`: the peer restricts itself to these groups as well. */
  readonly groups: readonly string[] | undefined;
}

/** A conversation with a peer that has its configuration open and, over TLS, is the peer that it was at first contact. */
export class PeerLine {
  readonly peer: string;
  readonly conversation: Conversation;
  readonly extensions: ReadonlySet<Extension>;
  readonly #channel: Channel;
  #myname: string | undefined;

  constructor(
    peer: string,
    conversation: Conversation,
    channel: Channel,
    extensions: ReadonlySet<Extension> = new Set<Extension>(),
  ) {
    this.peer = peer;
    this.extensions = extensions;
    this.conversation = conversation;
    this.#channel = channel;
  }

  /** The name that we last introduced ourselves with. */
  get myname(): string | undefined {
    return this.#myname;
  }

  /** Introduces us under another name. The peer's answer when it refuses. */
  async hello(myname: string): Promise<string | undefined> {
    if (this.#myname === myname) return undefined;
    this.#myname = undefined;
    const reply = await this.conversation.ask(formatCommand({ name: 'HELLO', host: myname }), status);
    if (!reply.ok) return reply.line;
    this.#myname = myname;
    return undefined;
  }

  /** The same where nothing can be done without it. */
  async mustHello(myname: string): Promise<void> {
    const refusal = await this.hello(myname);
    if (refusal !== undefined) throw new ConversationError('REFUSED', messages.errorFromPeer(this.peer, refusal));
  }

  /** BYE and a polite end. */
  async bye(): Promise<void> {
    await this.conversation.ask('BYE', status);
    await this.#channel.close();
  }

  /** For an answer that only the end of the connection ends: everything up to there. */
  get channel(): Channel {
    return this.#channel;
  }

  hangUp(): void {
    this.#channel.destroy();
  }
}

/**
 * Connects, switches to TLS unless the configuration says otherwise, opens our configuration on the peer and finds out which
 * of the wanted extensions it speaks.
 */
export async function callPeer(line: Line, peer: string, wanted: readonly Extension[] = []): Promise<PeerLine> {
  const plain = line.usesPlain(peer);
  line.log.write(1, messages.connectingTo(peer, !plain));
  const channel = await line.dial(peer);
  try {
    const inbox = new Inbox(replyLineLimit);
    if (!plain) await secure(line, peer, channel, inbox);
    const conversation = new Conversation(channel, inbox, line.log);
    const configured = conversation.ask(formatCommand({ name: 'CONFIG', config: line.config }), status);
    // Asked along with it, so that it costs no round trip. A C server answers that it knows no such command.
    const granted =
      wanted.length === 0 ? undefined : conversation.ask(formatCommand({ name: 'CAPS', extensions: wanted }), status);
    mustBeOk(await configured, 'Config command failed.');
    const extensions = granted === undefined ? undefined : parseCapabilities((await granted).line);
    if (line.groups !== undefined) {
      const command = formatCommand({ name: 'GROUP', groups: line.groups });
      mustBeOk(await conversation.ask(command, status), 'GROUP command failed.');
    }
    return new PeerLine(peer, conversation, channel, extensions);
  } catch (error) {
    channel.destroy();
    throw error;
  }
}

function mustBeOk(reply: Status, failure: string): void {
  if (!reply.ok) throw new ConversationError('REFUSED', `${failure} (${reply.line})`);
}

async function secure(line: Line, peer: string, channel: Channel, inbox: Inbox): Promise<void> {
  line.log.write(3, messages.wire('Local', 'SSL\n'));
  channel.write('SSL\n');
  const reply = await readLine(channel, inbox);
  line.log.write(3, messages.wire('Peer', reply + '\n'));
  if (!isOk(reply)) throw new ConversationError('REFUSED', `SSL command failed. (${reply})`);
  // What came along in the clear is no answer: anybody in between could have added it.
  await channel.startTls('client', await line.credentials(), inbox.takeAll());
  await checkCertificate(line, peer, channel);
}

async function readLine(channel: Channel, inbox: Inbox): Promise<string> {
  for (;;) {
    const text = inbox.tryLine();
    if (text !== undefined) return text;
    const chunk = await channel.read();
    if (chunk === undefined) throw new ChannelError('CLOSED', 'connection closed by the peer');
    inbox.push(chunk);
  }
}

/** Either an authority vouches for the peer, or what it showed at first contact is remembered and any other refused. */
async function checkCertificate({ store, log }: Line, peer: string, channel: Channel): Promise<void> {
  const { peerCertificate: der, objection } = channel;
  if (objection !== undefined) {
    const reason = objection(peer);
    if (reason === undefined) return;
    throw new ConversationError('CERTIFICATE', messages.unacceptableCertificate(peer, reason));
  }
  if (der === undefined) throw new ConversationError('CERTIFICATE', messages.noCertificate);
  const shown = Buffer.from(der).toString('hex').toUpperCase();
  const known = await store.certificate(encode(peer));
  if (known === shown) return;
  if (known !== undefined) {
    throw new ConversationError('CERTIFICATE', `${messages.wrongCertificate} ${messages.acceptNewCertificate(peer)}`);
  }
  log.write(1, messages.addingCertificate(shown));
  await store.apply([{ type: 'putCertificate', peer: encode(peer), certificate: shown }]);
}
