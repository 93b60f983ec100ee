import { X509Certificate, createPrivateKey } from 'node:crypto';
import fs from 'node:fs';
import { fsPath } from '../bytes/bytes.ts';
import type { Config } from '../config/config.ts';
import { whyNot } from '../config/whyNot.ts';
import type { Log } from '../log/log.ts';
import type { TlsCredentials } from '../transport/channel.ts';
import { type CertificateFacts, certificateFacts, expiryWarning } from './certificate.ts';
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
  const certificate = await read(files.certificate, advice);
  checkPair(files, key, certificate, isUsual(config) ? renewal(files) : '');
  warnIfLoose(files.key, log);
  warnIfLoose(files.certificate, log, false);
  if (files.authority !== undefined) warnIfLoose(files.authority, log, false);
  warnIfEnding(place, config, log);
  return {
    key,
    certificate,
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

/** What OpenSSL says of such files is short and names none of them. */
function checkPair(files: CredentialFiles, key: string, certificate: string, advice: string): void {
  const fail = (what: string, cause?: unknown): never => {
    throw new SetupError('CREDENTIALS', `${what}, which TLS connections need.${advice}`, { cause });
  };
  const parse = <T>(what: string, path: string, parsed: () => T): T => {
    try {
      return parsed();
    } catch (cause) {
      return fail(`There is no ${what} in ${path}`, cause);
    }
  };
  const owner = parse('certificate', files.certificate, () => new X509Certificate(certificate));
  const secret = parse('private key that can be used', files.key, () => createPrivateKey(key));
  if (!owner.checkPrivateKey(secret)) fail(`${files.key} is not the key of the certificate in ${files.certificate}`);
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
  const files = credentialFiles(place, config);
  const { certificate } = files;
  if (known.has(certificate) || !fs.existsSync(fsPath(certificate))) return;
  known.add(certificate);
  const facts = factsOf(certificate);
  const warning = facts && expiryWarning(facts, 'certificate of this host');
  if (warning === undefined) return;
  const peers = config?.tls.authority === undefined ? ' On the peers: csync2 --rm-ssl-cert HOST' : '';
  const renew = isUsual(config) ? renewal(files) : '';
  log.write(0, `WARNING: ${warning}${renew}${peers}`);
}

/** Undefined when there is no certificate that could be read: whoever needs it hears why. */
export function factsOf(path: string): CertificateFacts | undefined {
  try {
    return certificateFacts(fs.readFileSync(fsPath(path)));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

function renewal({ key, certificate }: CredentialFiles): string {
  return ` For a new one: rm ${key} ${certificate} && csync2 --make-cert.`;
}

/** Whether key and certificate are where `--make-cert` puts them. */
function isUsual(config: Config | undefined): boolean {
  return config?.tls.key === undefined && config?.tls.certificate === undefined;
}
