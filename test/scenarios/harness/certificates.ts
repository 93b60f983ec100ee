import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A self-signed certificate and its key, as paths of PEM files that live until this process ends. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

let directory: string | undefined;
const made = new Map<string, Certificate>();

/**
 * The certificate with that name, made at its first use. All carry the same subject: the C program sends its own
 * certificate only to a server whose issuer has the same name.
 */
export function certificate(name: string): Certificate {
  const known = made.get(name);
  if (known !== undefined) return known;
  directory ??= temporaryDirectory();
  const fresh = { cert: join(directory, `${name}.cert.pem`), key: join(directory, `${name}.key.pem`) };
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const output = ['-keyout', fresh.key, '-out', fresh.cert, '-subj', '/CN=csync2.test', '-days', '3650'];
  execFileSync('openssl', [...request, ...output], { stdio: 'ignore' });
  made.set(name, fresh);
  return fresh;
}

function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'csync2-certificates-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}
