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
  /**
   * Why the peer's certificate does not prove that it is this host; undefined: it does. There is nothing to ask while
   * plain, and none where no authority was to be trusted.
   */
  readonly objection: ((host: string) => string | undefined) | undefined;

  /** Bytes that have come in or were written so far; without what TLS adds. For people to watch. */
  readonly traffic: number;

  /**
   * The next bytes, or undefined at the end of the stream. One call at a time. Fails with ChannelError, but only after
   * all that had arrived was read. The bytes are the caller's.
   */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Queues bytes; strings are byte strings. Nothing leaves before the caller has come to rest, so that many small
   * writes become one. Uint8Arrays are copied. True: go on; false: the queue is long, await `drained()` before
   * writing much more. A broken channel drops them and returns false.
   */
  write(chunk: Uint8Array | string): boolean;
  /** Lets what is queued leave now: the caller has more to do, and the peer can begin meanwhile. */
  flush(): void;
  /** Waits until the queue is short again; fails with ChannelError when it never will be. */
  drained(): Promise<void>;

  /**
   * Fails reads and writes with IDLE_TIMEOUT once we wait for the peer and no byte has come or gone for so many
   * seconds. 0: wait for ever. Time that we spend on our own does not count.
   */
  setIdleTimeout(seconds: number): void;

  /**
   * Switches this stream to TLS, after writing what is queued. Bytes that have arrived and were not read yet belong to
   * the handshake; those that were read from beyond the boundary are handed back as `already`. Fails with ChannelError
   * TLS, NO_CERTIFICATE, RESET or IDLE_TIMEOUT, and the channel is unusable then.
   */
  startTls(role: 'client' | 'server', credentials: TlsCredentials, already?: Uint8Array): Promise<void>;

  /**
   * Writes what is queued, then ends our side politely (close_notify over TLS) and waits for the end, at most a few
   * seconds. What still arrives is dropped. Never fails: a reset is as good as an end by now.
   */
  close(): Promise<void>;
  /** Drops the connection at once; a pending read fails with CLOSED. */
  destroy(): void;
}

export interface TlsCredentials {
  /** PEM. */
  readonly key: string;
  /** PEM; certificates in between may follow. */
  readonly certificate: string;
  /** PEM of those who vouch for peers. Undefined: any certificate will do. */
  readonly authority?: string | undefined;
  /** Default 1.2. A server offers 1.3 only where it is the minimum: C peers cannot speak it. */
  readonly minVersion?: '1.2' | '1.3' | undefined;
}

export type ChannelErrorCode =
  | 'CONNECT'
  | 'CONNECT_TIMEOUT'
  | 'RESOLVE'
  | 'RESET'
  | 'IDLE_TIMEOUT'
  | 'TLS'
  | 'NO_CERTIFICATE'
  | 'CLOSED'
  /** Standard input is nothing that a peer could be at the other end of. */
  | 'UNSUPPORTED'
  /** No socket could be opened to listen on. */
  | 'LISTEN';

export class ChannelError extends Error {
  readonly code: ChannelErrorCode;
  constructor(code: ChannelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ChannelError';
    this.code = code;
  }
}
