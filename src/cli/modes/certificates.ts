import type { Encoded } from '../../bytes/bytes.ts';
import { decode, encode } from '../../bytes/urlEncoding.ts';
import { certificateFacts, expiryWarning } from '../certificate.ts';
import { jsonLine } from '../json.ts';
import type { Setup } from '../setup.ts';

/** `--ls-ssl-cert`: the remembered certificates. True when anything was listed. */
export async function listCertificates({ store, output, log }: Setup, host: string | undefined): Promise<boolean> {
  const wanted = host === undefined ? undefined : encode(lowerCased(host));
  const rows = (await store.certificates()).filter(({ peer }) => wanted === undefined || peer === wanted);
  for (const { peer, certificate } of rows) {
    const name = decode(peer);
    const facts = certificateFacts(Buffer.from(certificate, 'hex'));
    const warning = facts && expiryWarning(facts, `certificate of ${name}`);
    if (warning !== undefined) log.write(0, `WARNING: ${warning}`);
    if (output.json) output.line(jsonLine({ peer: name, ...facts }));
    else if (facts === undefined) output.line(`${name}\t-\t-\tnot a certificate`);
    else {
      output.line(`${name}\t${facts.notAfter.toISOString().slice(0, 10)}\t${facts.fingerprint}\t${facts.subject}`);
    }
  }
  return rows.length > 0;
}

/** `--rm-ssl-cert`: the next certificate that this peer shows is remembered. False when none was. */
export async function forgetCertificate({ store, log }: Setup, host: string): Promise<boolean> {
  const peer: Encoded = encode(lowerCased(host));
  if ((await store.certificate(peer)) === undefined) {
    log.error(`No certificate of ${host} is remembered; csync2 --ls-ssl-cert lists those that are.`);
    return false;
  }
  await store.apply([{ type: 'dropCertificate', peer }]);
  log.write(1, `Forgot the certificate of ${host}.`);
  return true;
}

function lowerCased(host: string): string {
  return host.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
