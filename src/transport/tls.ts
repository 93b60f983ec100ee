import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { type Channel, ChannelError, type TlsCredentials } from './channel.ts';
import { asChannelError } from './failures.ts';

export interface Secured {
  readonly stream: tls.TLSSocket;
  /** DER. */
  readonly certificate: Uint8Array;
  readonly objection: Channel['objection'];
}

/**
 * Lays TLS over a stream that nobody reads any more. `early`: bytes of the handshake that were read from it already.
 * A peer must show a certificate. Without an authority peers are known by it and nothing in it is looked at; with one,
 * `objection` tells what is wrong with it. Fails with ChannelError TLS, NO_CERTIFICATE or RESET; the stream is destroyed then.
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
  const certificate = secured.getPeerX509Certificate();
  if (certificate === undefined) {
    secured.destroy();
    throw new ChannelError('NO_CERTIFICATE', 'the peer did not show a certificate');
  }
  const objection = credentials.authority === undefined ? undefined : objectionTo(certificate, secured);
  return { stream: secured, certificate: certificate.raw, objection };
}

function objectionTo(certificate: X509Certificate, { authorized, authorizationError }: tls.TLSSocket) {
  // An error where the types say so, a code in fact.
  const chain = authorized ? undefined : String(authorizationError ?? 'not verified');
  return (host: string): string | undefined => {
    if (chain !== undefined) return `it is not accepted by the authority of 'ssl-ca': ${reasons[chain] ?? chain}`;
    const names = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
    if (names !== undefined) return undefined;
    return `it is for ${certificate.subjectAltName ?? certificate.subject.split('\n').join(', ')}, not for ${host}`;
  };
}

/** What OpenSSL calls the usual mistakes, in plain words. */
const reasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'it is signed by another authority',
  UNABLE_TO_GET_ISSUER_CERT: 'it is signed by another authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'it is signed by another authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'it is signed by another authority',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
  INVALID_PURPOSE: 'it is not made for this side of a connection (extended key usage)',
};

function connect(stream: Duplex, options: tls.SecureContextOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    // Who the peer should be is asked later, of `objection`.
    const secured = tls.connect({ ...options, socket: stream, checkServerIdentity: () => undefined });
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
 * TLS 1.2, unless more is asked for: in 1.3 OpenSSL sends session tickets after the handshake, and C peers take them for the answer to
 * their first command. The order of ciphers is ours, else those peers choose one without forward secrecy.
 */
function accept(stream: Duplex, options: tls.SecureContextOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const server = tls.createServer({
      ...options,
      ...(options.minVersion === 'TLSv1.3' ? {} : { maxVersion: 'TLSv1.2' }),
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
function usable({ key, certificate, authority, minVersion }: TlsCredentials): tls.SecureContextOptions {
  let refusal: unknown;
  const rest = {
    ...(authority === undefined ? {} : { ca: authority }),
    ...(minVersion === undefined ? {} : { minVersion: `TLSv${minVersion}` as const }),
  };
  for (const level of levels) {
    const options = { ...rest, key, cert: certificate, ciphers: tls.DEFAULT_CIPHERS + level };
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
