import { createHash } from 'node:crypto';
import { decode } from '../../../src/bytes/urlEncoding.ts';

/** One command of the client and all that the server said to it, blobs abridged. */
export interface Exchange {
  /** Decoded name of the file that the command is about; empty for commands about the conversation. */
  readonly file: string;
  readonly command: string;
  readonly replies: readonly string[];
}

/** The two directions of one plain connection, taken apart. */
export function parseConversation(fromClient: Buffer, fromServer: Buffer): Exchange[] {
  const client = new Cursor(fromClient);
  const server = new Cursor(fromServer);
  const exchanges: Exchange[] = [];
  for (let line = client.line(); line !== undefined; line = client.line()) {
    const [command = '', key, path] = line.split(' ');
    const verb = command.toUpperCase();
    const aboutFile = path !== undefined && verb !== 'LIST' && verb !== 'CAPS';
    const shown = aboutFile ? line.replace(` ${key} `, ' KEY ') : line;
    const replies = readReplies(verb, client, server);
    exchanges.push({ file: aboutFile ? decode(path) : '', command: shown, replies });
    if (verb === 'SSL') break;
  }
  return exchanges;
}

function readReplies(verb: string, client: Cursor, server: Cursor): string[] {
  const first = server.line();
  if (first === undefined) return ['(no answer)'];
  const replies = [first];
  const more = (text: string | undefined): void => {
    replies.push(text ?? '(end)');
  };
  if (verb === 'LIST') {
    while (replies.at(-1)?.includes('\t') === true) more(server.line());
  } else if (!first.startsWith('OK (')) {
    return replies;
  } else if (verb === 'SIG') {
    more(server.line());
    more(server.blob('signature'));
    more(server.line());
  } else if (verb === 'PATCH') {
    more(server.blob('signature'));
    more(client.blob('delta'));
    more(server.line());
  } else if (verb === 'GETTM' || verb === 'GETSZ') {
    more(server.line());
  } else if (verb === 'TYPE') {
    more(server.rest());
  }
  return replies;
}

class Cursor {
  private at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  line(): string | undefined {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) return undefined;
    const line = this.bytes.toString('latin1', this.at, end);
    this.at = end + 1;
    return line;
  }

  /** A blob as `what(length hash)`; a delta as `delta`, since one file has many good deltas. */
  blob(what: 'signature' | 'delta'): string | undefined {
    const header = this.line();
    const length = Number(/^octet-stream (-?\d+)$/.exec(header ?? '')?.[1]);
    if (Number.isNaN(length)) return header;
    const bytes = this.bytes.subarray(this.at, this.at + length);
    this.at += bytes.length;
    if (bytes.length < length) return `${what}(cut off)`;
    if (what === 'delta') return 'delta';
    const hash = createHash('sha1').update(bytes).digest('hex').slice(0, 8);
    return length === 0 ? 'signature(none)' : `signature(${length} ${hash})`;
  }

  rest(): string {
    const rest = this.bytes.toString('latin1', this.at);
    this.at = this.bytes.length;
    return rest;
  }
}

/** Exchanges by file, files in the order of their first command, one text a command. */
export function byFile(exchanges: readonly Exchange[]): string[] {
  const files = new Map<string, string[]>();
  for (const { file, command, replies } of exchanges) {
    const texts = files.get(file) ?? [];
    texts.push(`${command} → ${replies.join(' | ')}`);
    files.set(file, texts);
  }
  return [...files].flatMap(([file, texts]) => texts.map((text) => `${file}: ${text}`));
}
