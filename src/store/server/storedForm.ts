/**
 * How byte strings stand in a text column of a database server. A column that takes any byte holds them as they are. One
 * that holds characters (UTF-8, as the C program's databases mostly are) refuses names that are not; their stray bytes
 * are written as `%XX` there. That is unmistakable, since the URL encoding never escapes a byte above 0x7f, and the C
 * program, which could not have stored such a name at all, decodes it to the right one.
 */
export interface StoredForm {
  /** False: every byte string is its own stored form. */
  readonly limited: boolean;
  encode(bytes: string): string;
  decode(stored: string): string;
}

export const anyBytes: StoredForm = {
  limited: false,
  encode: (bytes) => bytes,
  decode: (stored) => stored,
};

const escaped = /%[89A-F][0-9A-F]/;
const escapedAll = /%([89A-F][0-9A-F])/g;

/** The same for the servers' own pattern matching: finds at least every escaped name. */
export const escapedPattern = '%[89A-F][0-9A-F]';

/** Well-formed UTF-8 of one character beyond ASCII, as bytes: no overlong forms, no surrogates, nothing above U+10FFFF. */
const character =
  '[\\xc2-\\xdf][\\x80-\\xbf]|\\xe0[\\xa0-\\xbf][\\x80-\\xbf]|[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}|' +
  '\\xed[\\x80-\\x9f][\\x80-\\xbf]|\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}|[\\xf1-\\xf3][\\x80-\\xbf]{3}|' +
  '\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}';

/** For columns that hold those UTF-8 characters for which `storable` is true (all, when left out). */
export function charactersOnly(storable: (character: string) => boolean = () => true): StoredForm {
  const pieces = new RegExp(`(${character})|[\\x80-\\xff]`, 'g');
  return {
    limited: true,
    encode: (bytes) =>
      bytes.replace(pieces, (piece, whole: string | undefined) =>
        whole !== undefined && storable(Buffer.from(whole, 'latin1').toString('utf8')) ? piece : escapeBytes(piece),
      ),
    decode: (stored) =>
      escaped.test(stored)
        ? stored.replace(escapedAll, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
        : stored,
  };
}

function escapeBytes(piece: string): string {
  return piece.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** An upper or lower bound that the server can apply; `undefined` where it cannot, and the reader must. */
export interface Bound {
  readonly stored: string;
  /** Whether `stored` itself is inside. */
  readonly inclusive: boolean;
}

/** The server's part of `name >= from`: exact, or somewhat too wide when `from` cannot be stored. */
export function lowerBound(form: StoredForm, from: string): Bound {
  const zero = from.indexOf('\0');
  if (zero >= 0)
    return { stored: storablePrefix(form, from.slice(0, zero)), inclusive: isCut(form, from.slice(0, zero)) };
  return { stored: storablePrefix(form, from), inclusive: true };
}

/** The server's part of `name < to`, undefined when the server has none. */
export function upperBound(form: StoredForm, to: string | undefined): Bound | undefined {
  if (to === undefined) return undefined;
  const zero = to.indexOf('\0');
  const whole = zero < 0 ? to : to.slice(0, zero);
  if (isCut(form, whole)) return undefined;
  return { stored: whole, inclusive: zero >= 0 };
}

function isCut(form: StoredForm, bytes: string): boolean {
  return form.encode(bytes) !== bytes;
}

/** What stands before the first byte that must be escaped. */
function storablePrefix(form: StoredForm, bytes: string): string {
  const stored = form.encode(bytes);
  if (stored === bytes) return bytes;
  let same = 0;
  while (stored[same] === bytes[same]) same++;
  return bytes.slice(0, same);
}
