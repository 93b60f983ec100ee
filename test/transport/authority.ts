import { generateKeyPairSync } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';
import type { TlsCredentials } from '../../src/transport/channel.ts';

/** Made once: whose key it is makes no difference here. */
let keys: { readonly privateKey: string; readonly publicKey: string } | undefined;

function keyPair(): { readonly privateKey: string; readonly publicKey: string } {
  return (keys ??= generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }));
}

let serial = 0;

/** Signs the certificates of hosts. */
export class Authority {
  readonly name: string;
  /** PEM. */
  readonly certificate: string;

  constructor(name: string) {
    this.name = name;
    this.certificate = this.#make(name, [{ name: 'basicConstraints', cA: true, critical: true }], 1);
  }

  /** For a name or an address; `days`: until its end. */
  issue(host: string, days = 365): TlsCredentials {
    const altName = isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host };
    const extensions = [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: [altName] },
    ];
    return { key: keyPair().privateKey, certificate: this.#make(host, extensions, days) };
  }

  #make(subject: string, extensions: object[], days: number): string {
    const { privateKey, publicKey } = keyPair();
    const made = forge.pki.createCertificate();
    const now = Date.now();
    made.publicKey = forge.pki.publicKeyFromPem(publicKey);
    made.serialNumber = `01${String(++serial).padStart(6, '0')}`;
    made.validity.notBefore = new Date(now - 100 * 86_400_000);
    made.validity.notAfter = new Date(now + days * 86_400_000);
    made.setSubject([{ name: 'commonName', value: subject }]);
    made.setIssuer([{ name: 'commonName', value: this.name }]);
    made.setExtensions(extensions);
    made.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
    return forge.pki.certificateToPem(made).replaceAll('\r', '');
  }
}
