import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { ChannelError, type TlsCredentials } from './channel.ts';
import { asChannelError } from './failures.ts';

export interface Secured {
  readonly stream: tls.TLSSocket;
  /** DER. */
  readonly certificate: Uint8Array;
}

/**
 * Lays TLS over a stream that nobody reads any more. `early`: bytes of the handshake that were read from it already.
 * Peers are known by their certificates, which are self-signed: neither issuer, name nor expiry are looked at, but
 * there must be one. Fails with ChannelError TLS, NO_CERTIFICATE or RESET; the stream is destroyed then.
 */
export async function secure(
  stream: Duplex,
  role: 'client' | 'server',
  credentials: TlsCredentials,
  early: Uint8Array,
): Promise<Secured> {
  const options = { ...usable(credentials), rejectUnauthorized: false } as const;
  if (early.length > 0) stream.unshift(early);
  // Half a connection is no use for a handshake: a peer that ends now must not be waited for.
  stream.allowHalfOpen = false;
  const secured = await (role === 'client' ? connect(stream, options) : accept(stream, options));
  secured.allowHalfOpen = true;
  const certificate = secured.getPeerX509Certificate()?.raw;
  if (certificate === undefined) {
    secured.destroy();
    throw new ChannelError('NO_CERTIFICATE', 'the peer did not show a certificate');
  }
  return { stream: secured, certificate };
}

function connect(stream: Duplex, options: tls.SecureContextOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = tls.connect({ ...options, socket: stream });
    secured.once('secureConnect', () => {
      secured.off('error', reject);
      resolve(secured);
    });
    secured.once('error', reject);
    secured.once('close', () => reject(hungUp()));
  }).catch((error: unknown) => {
    stream.destroy();
    throw asChannelError(error, 'TLS');
  }) as Promise<tls.TLSSocket>;
}

/**
 * TLS 1.2 at most: in 1.3 OpenSSL sends session tickets after the handshake, and C peers take them for the answer to
 * their first command. The order of ciphers is ours, else those peers choose one without forward secrecy.
 */
function accept(stream: Duplex, options: tls.SecureContextOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const server = tls.createServer({
      ...options,
      maxVersion: 'TLSv1.2',
      honorCipherOrder: true,
      requestCert: true,
    });
    server.once('secureConnection', resolve);
    server.once('tlsClientError', reject);
    stream.once('close', () => reject(hungUp()));
    server.emit('connection', stream);
  }).catch((error: unknown) => {
    stream.destroy();
    throw asChannelError(error, 'TLS');
  }) as Promise<tls.TLSSocket>;
}

function hungUp(): ChannelError {
  return new ChannelError('RESET', 'the peer hung up during the TLS handshake');
}

/** Security levels of OpenSSL, the default one first. Lower ones are for own keys and certificates that it calls too weak. */
const levels = ['', ':@SECLEVEL=1', ':@SECLEVEL=0'] as const;

/** Options with these credentials, at the highest security level that takes them. */
function usable({ key, certificate }: TlsCredentials): tls.SecureContextOptions {
  let refusal: unknown;
  for (const level of levels) {
    const options = { key, cert: certificate, ciphers: tls.DEFAULT_CIPHERS + level };
    try {
      tls.createSecureContext(options);
      return options;
    } catch (error) {
      refusal = error;
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!/TOO_(SMALL|WEAK)/.test(code)) break;
    }
  }
  throw asChannelError(refusal, 'TLS');
}
