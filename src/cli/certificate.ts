import { X509Certificate } from 'node:crypto';
import { fromText } from '../bytes/bytes.ts';

/** What people want to know of a certificate. All strings are byte strings. */
export interface CertificateFacts {
  /** `CN=alpha, O=csync2`, then the names that it is made out to: `DNS:alpha`. */
  readonly subject: string;
  /** SHA-256 of the DER: upper-case hex with colons. */
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** DER or PEM; undefined when it is neither. */
export function certificateFacts(certificate: Uint8Array | string): CertificateFacts | undefined {
  try {
    const { subject, subjectAltName, fingerprint256, validFrom, validTo } = new X509Certificate(certificate);
    return {
      subject: fromText([...subject.split('\n'), subjectAltName].filter(Boolean).join(', ')),
      fingerprint: fingerprint256,
      notBefore: new Date(validFrom),
      notAfter: new Date(validTo),
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/** Days before its end at which a certificate is worth a warning. */
export const warningDays = 30;

const day = 86_400_000;

/** What to say of a certificate that has ended or soon will; `whose` is `certificate of alpha` or the like. */
export function expiryWarning({ notAfter }: CertificateFacts, whose: string, now = Date.now()): string | undefined {
  const left = notAfter.getTime() - now;
  if (left > warningDays * day) return undefined;
  const date = notAfter.toISOString().slice(0, 10);
  return left <= 0
    ? `The ${whose} ended on ${date}.`
    : `The ${whose} ends on ${date}, in ${Math.floor(left / day)} days.`;
}
