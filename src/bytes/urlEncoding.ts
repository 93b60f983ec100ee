import type { Encoded } from './bytes.ts';

/**
 * The URL encoding of csync2 databases and arguments: the bytes 0x01–0x20, 0x7f and `" ' % $ : | \` become `%XX`
 * in upper-case hex; every other byte, including those above 0x7f, stays as it is.
 */
const needsEscape = /[\x01-\x20\x7f"'%$:|\\]/;

const characters: readonly string[] = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

/** What stands for a byte, where it does not stand for itself. */
const escapes: readonly (string | undefined)[] = characters.map((character, byte) =>
  needsEscape.test(character) ? '%' + byte.toString(16).toUpperCase().padStart(2, '0') : undefined,
);

export function encode(bytes: string): Encoded {
  let at = bytes.search(needsEscape);
  if (at < 0) return bytes as Encoded;
  let encoded = '';
  let from = 0;
  for (; at < bytes.length; at++) {
    const escape = escapes[bytes.charCodeAt(at)];
    if (escape === undefined) continue;
    encoded += bytes.slice(from, at) + escape;
    from = at + 1;
  }
  return (encoded + bytes.slice(from)) as Encoded;
}

/** Decodes `%XX` (either case); a `%` that no two hex digits follow stands for itself, as in the C program. */
export function decode(encoded: string): string {
  let at = encoded.indexOf('%');
  if (at < 0) return encoded;
  let decoded = '';
  let from = 0;
  for (; at >= 0; at = encoded.indexOf('%', at)) {
    const byte = (hexValue(encoded.charCodeAt(at + 1)) << 4) | hexValue(encoded.charCodeAt(at + 2));
    if (byte >= 0) {
      decoded += encoded.slice(from, at) + (characters[byte] as string);
      from = at + 3;
      at = from;
    } else {
      at += 1;
    }
  }
  return decoded + encoded.slice(from);
}

/** Negative for anything but a hex digit, also beyond the end of a string. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -0x100;
}
