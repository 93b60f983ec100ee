import type { Encoded } from './bytes.ts';

/**
 * The URL encoding of csync2 databases and arguments: the bytes 0x01–0x20, 0x7f and `" ' % $ : | \` become `%XX`
 * in upper-case hex; every other byte, including those above 0x7f, stays as it is.
 */
const needsEscape = /[\x01-\x20\x7f"'%$:|\\]/;
const needsEscapeAll = /[\x01-\x20\x7f"'%$:|\\]/g;

const escapes: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => '%' + byte.toString(16).toUpperCase().padStart(2, '0'),
);

export function encode(bytes: string): Encoded {
  if (!needsEscape.test(bytes)) return bytes as Encoded;
  return bytes.replace(needsEscapeAll, (byte) => escapes[byte.charCodeAt(0)] as string) as Encoded;
}

/** Decodes `%XX` (either case); a `%` that no two hex digits follow stands for itself, as in the C program. */
export function decode(encoded: string): string {
  if (!encoded.includes('%')) return encoded;
  return encoded.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
