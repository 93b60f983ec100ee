import { generateKeyPairSync, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { isIP } from 'node:net';
import forge from 'node-forge';
import { fsPath, toText } from '../../bytes/bytes.ts';
import { systemText } from '../../transport/failures.ts';
import { writeNewFile } from '../newFile.ts';
import { type Place, SetupError } from '../setup.ts';

const keyBits = 3072;
/**
 * On every certificate the same: the C program sends its own only to a server whose certificate has the same issuer, so two
 * hosts of that program could not talk otherwise. The host's name is beside it; serial numbers are random.
 */
const issuer = [{ name: 'commonName', value: 'csync2' }];
/** Nobody checks the end of a certificate at a connection; it is there to make somebody think of a new one. */
const years = 20;

/**
 * `--make-cert`: this host's key (readable by its owner only) and self-signed certificate. Fails with SetupError when
 * either file is there already, or cannot be written.
 */
export function makeCertificate({ systemDirectory, host }: Place): {
  readonly key: string;
  readonly certificate: string;
} {
  const key = `${systemDirectory}/csync2_ssl_key.pem`;
  const certificate = `${systemDirectory}/csync2_ssl_cert.pem`;
  for (const path of [key, certificate]) {
    if (fs.existsSync(fsPath(path))) {
      throw new SetupError(
        'CREDENTIALS',
        `${path} exists already, and peers may know this host by it. Remove it first if you really want a new one.`,
      );
    }
  }
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: keyBits,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  writeNew(key, privateKey, 0o600);
  try {
    writeNew(certificate, selfSigned(toText(host), privateKey, publicKey), 0o644);
  } catch (error) {
    fs.rmSync(fsPath(key));
    throw error;
  }
  return { key, certificate };
}

function selfSigned(host: string, privateKey: string, publicKey: string): string {
  const certificate = forge.pki.createCertificate();
  const now = new Date();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  // A day earlier, for peers whose clocks are behind.
  certificate.validity.notBefore = new Date(now.getTime() - 86_400_000);
  certificate.validity.notAfter = new Date(now);
  certificate.validity.notAfter.setFullYear(now.getFullYear() + years);
  certificate.setSubject(issuer);
  certificate.setIssuer(issuer);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'subjectAltName', altNames: [isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host }] },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate).replaceAll('\r', '');
}

const elsewhere = 'CSYNC2_SYSTEM_DIR names the directory for both files.';

function writeNew(path: string, content: string, mode: number): void {
  try {
    writeNewFile(path, content, mode);
  } catch (error) {
    throw new SetupError('CREDENTIALS', `Cannot write ${path}: ${systemText(error as Error)}. ${elsewhere}`, {
      cause: error,
    });
  }
}
