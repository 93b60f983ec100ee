import { getSystemErrorMap } from 'node:util';
import { ChannelError, type ChannelErrorCode } from './channel.ts';

/**
 * Any error of a stream as a ChannelError. System errors get `systemCode` and the system's text, errors that OpenSSL
 * reports get TLS.
 */
export function asChannelError(error: unknown, systemCode: ChannelErrorCode): ChannelError {
  if (error instanceof ChannelError) return error;
  if (!(error instanceof Error)) return new ChannelError(systemCode, String(error));
  const { code = '' } = error as NodeJS.ErrnoException;
  if (/^ERR_(SSL|TLS|OSSL)_/.test(code) || code === 'EPROTO') {
    return new ChannelError('TLS', tlsText(error), { cause: error });
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return new ChannelError('RESET', systemText(error), { cause: error });
  }
  return new ChannelError(systemCode, systemText(error), { cause: error });
}

/** What the operating system calls this error, like `Connection refused`; its own message for other errors. */
export function systemText(error: Error): string {
  const { errno } = error as NodeJS.ErrnoException;
  const text = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1];
  return text === undefined ? error.message : text.charAt(0).toUpperCase() + text.slice(1);
}

/** OpenSSL's reason alone, without addresses of its sources. */
function tlsText(error: Error): string {
  const { reason } = error as Error & { reason?: unknown };
  return typeof reason === 'string' ? reason : error.message;
}
