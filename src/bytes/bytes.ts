/**
 * Byte strings: JavaScript strings in which every UTF-16 unit stands for one byte (0x00–0xff, "latin1").
 *
 * File names are bytes, not text. A byte string compares with `<` in byte order, is a Map key, can be cut and
 * joined, and costs one byte a character in V8. It becomes text in one place only: at the terminal (`toText`).
 *
 * Three brands keep apart what must never be mixed up. All are byte strings:
 * - `FileName`: a decoded name in the form that configuration, database and wire share: `/etc/hosts` or `%prefix%/x`.
 * - `Encoded`:  the URL-encoded form of any byte string, as stored in databases and sent in arguments.
 * - `DiskPath`: an absolute path on this host, prefixes replaced.
 */
declare const fileName: unique symbol;
declare const encoded: unique symbol;
declare const diskPath: unique symbol;

export type FileName = string & { readonly [fileName]: true };
export type Encoded = string & { readonly [encoded]: true };
export type DiskPath = string & { readonly [diskPath]: true };

const nonAscii = /[\x80-\xff]/;

/** True when no byte has the high bit: then the byte string is also its own UTF-8 text. */
export function isAscii(bytes: string): boolean {
  return !nonAscii.test(bytes);
}

/** UTF-8 text (an argument, an environment variable, a constant) to a byte string. */
export function fromText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** A byte string to text for people: bytes that are not UTF-8 become U+FFFD. Never for anything but display. */
export function toText(bytes: string): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

/** What `node:fs` calls take: the string itself when ASCII (no allocation), else its bytes. */
export function fsPath(path: string): string | Buffer {
  return isAscii(path) ? path : Buffer.from(path, 'latin1');
}
