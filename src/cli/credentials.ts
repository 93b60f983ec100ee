import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import { fsPath } from '../bytes/bytes.ts';
import type { Config } from '../config/config.ts';
import { whyNot } from '../config/whyNot.ts';
import type { Log } from '../log/log.ts';
import type { TlsCredentials } from '../transport/channel.ts';
import { certificateFacts, expiryWarning } from './certificate.ts';
import { warnIfLoose } from './secretFile.ts';
import { type Place, SetupError } from './setup.ts';

export interface CredentialFiles {
  readonly key: string;
  readonly certificate: string;
  /** Undefined: peers are known by the certificates that they showed at first. */
  readonly authority: string | undefined;
}

/** Absolute paths. Without a configuration, or one that says nothing, the files that have always been. */
export function credentialFiles({ systemDirectory }: Place, config: Config | undefined): CredentialFiles {
  const { key = 'csync2_ssl_key.pem', certificate = 'csync2_ssl_cert.pem', authority } = config?.tls ?? {};
  const absolute = (file: string): string => (file.startsWith('/') ? file : `${systemDirectory}/${file}`);
  return {
    key: absolute(key),
    certificate: absolute(certificate),
    authority: authority === undefined ? undefined : absolute(authority),
  };
}

const makeOne = "'csync2 --make-cert' creates a key and a certificate.";

/** What TLS connections of this configuration need. Fails with SetupError. */
export async function readCredentials(place: Place, config: Config | undefined, log: Log): Promise<TlsCredentials> {
  const files = credentialFiles(place, config);
  const advice = isUsual(config) ? ` ${makeOne}` : '';
  const key = await read(files.key, advice);
  warnIfLoose(files.key, log);
  warnIfEnding(place, config, log);
  return {
    key,
    certificate: await read(files.certificate, advice),
    authority: files.authority === undefined ? undefined : await readAuthority(files.authority),
    minVersion: config?.tls.minVersion,
  };
}

async function read(path: string, advice = ''): Promise<string> {
  try {
    return await fs.promises.readFile(fsPath(path), 'latin1');
  } catch (cause) {
    const message = `Cannot read ${path}, which TLS connections need: ${whyNot(cause)}.${advice}`;
    throw new SetupError('CREDENTIALS', message, { cause });
  }
}

/** OpenSSL takes a file without certificates for one that trusts nobody, and says nothing. */
async function readAuthority(path: string): Promise<string> {
  const pem = await read(path);
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new SetupError('CREDENTIALS', `There is no certificate in ${path}, which 'ssl-ca' names.`, { cause });
  }
  return pem;
}

const known = new Set<string>();

/** Says so when this host's certificate has ended or soon will: a line at its first use in this process. */
export function warnIfEnding(place: Place, config: Config | undefined, log: Log): void {
  const { key, certificate } = credentialFiles(place, config);
  if (known.has(certificate) || !fs.existsSync(fsPath(certificate))) return;
  known.add(certificate);
  const facts = certificateFacts(fs.readFileSync(fsPath(certificate)));
  const warning = facts && expiryWarning(facts, 'certificate of this host');
  if (warning === undefined) return;
  const peers = config?.tls.authority === undefined ? ' On the peers: csync2 --rm-ssl-cert HOST' : '';
  const renew = isUsual(config) ? ` For a new one: rm ${key} ${certificate} && csync2 --make-cert.` : '';
  log.write(0, `WARNING: ${warning}${renew}${peers}`);
}

/** Whether key and certificate are where `--make-cert` puts them. */
function isUsual(config: Config | undefined): boolean {
  return config?.tls.key === undefined && config?.tls.certificate === undefined;
}
