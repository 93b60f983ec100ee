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
  // Checktxts hold little else. No other escape begins or ends inside this one, so it may go first.
  const text = encoded.includes('%3A') ? encoded.replaceAll('%3A', ':') : encoded;
  let decoded = '';
  let from = 0;
  for (let at = text.indexOf('%'); at >= 0; at = text.indexOf('%', Math.max(from, at + 1))) {
    const byte = 16 * hexDigit(text, at + 1) + hexDigit(text, at + 2);
    if (Number.isNaN(byte)) continue;
    decoded += text.slice(from, at) + bytes[byte];
    from = at + 3;
  }
  return decoded + text.slice(from);
}

function hexDigit(text: string, at: number): number {
  return hexValues[text.charCodeAt(at)] ?? NaN;
}

const bytes: readonly string[] = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

/** Index: a character code; NaN for what is no hex digit. */
const hexValues: readonly number[] = bytes.map((digit) => (/[0-9A-Fa-f]/.test(digit) ? parseInt(digit, 16) : NaN));
