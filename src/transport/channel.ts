/**
 * A two-way byte stream to one peer, whatever carries it: TCP, TLS over it, or stdin/stdout of inetd, systemd or ssh.
 * Reading is by pull, writing is buffered; nothing here knows the protocol.
 */
export interface Channel {
  /** Address of the other end, IPv4-mapped IPv6 written as IPv4; undefined when it cannot be known (pipes without SSH_CLIENT). */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly encrypted: boolean;
  /** DER of the peer's leaf certificate once encrypted; undefined when plain. */
  readonly peerCertificate: Uint8Array | undefined;

  /** The next bytes, or undefined at the end of the stream. One call at a time. Fails with ChannelError. */
  read(): Promise<Uint8Array | undefined>;
  /** Queues bytes. True: go on; false: the queue is long, await `drained()` before writing much more. */
  write(chunk: Uint8Array | string): boolean;
  drained(): Promise<void>;

  /** Switches this stream to TLS. Nothing may be queued in `read` beforehand that belongs to the handshake. */
  startTls(role: 'client' | 'server', credentials: TlsCredentials): Promise<void>;

  /** Writes what is queued, then ends our side politely (close_notify over TLS) and waits for the end, at most a few seconds. */
  close(): Promise<void>;
  /** Drops the connection at once. */
  destroy(): void;
}

export interface TlsCredentials {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
}

export type ChannelErrorCode =
  'CONNECT' | 'CONNECT_TIMEOUT' | 'RESOLVE' | 'RESET' | 'IDLE_TIMEOUT' | 'TLS' | 'NO_CERTIFICATE' | 'CLOSED';

export class ChannelError extends Error {
  readonly code: ChannelErrorCode;
  constructor(code: ChannelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ChannelError';
    this.code = code;
  }
}
