import { Buffer } from 'node:buffer';
import { fromText, isAscii } from '../bytes/bytes.ts';

/** Strings are byte strings; members that are undefined are left out. */
export type JsonValue =
  string | number | boolean | null | Date | undefined | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export type JsonObject = Readonly<Record<string, JsonValue>>;

/**
 * An object as one line of JSON (a byte string of UTF-8, without its newline). A string that is not UTF-8 is there with
 * U+FFFD for what is not, and once more as `NAMEBase64`, its bytes.
 */
export function jsonLine(fields: JsonObject): string {
  return fromText(JSON.stringify(plain(fields)));
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function plain(value: JsonValue): unknown {
  if (typeof value === 'string') return isAscii(value) ? value : Buffer.from(value, 'latin1').toString('utf8');
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  if (isList(value)) return value.map(plain);
  const members: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    members[key] = plain(member);
    if (typeof member === 'string' && !isText(member)) {
      members[`${key}Base64`] = Buffer.from(member, 'latin1').toString('base64');
    }
  }
  return members;
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isText(bytes: string): boolean {
  if (isAscii(bytes)) return true;
  try {
    decoder.decode(Buffer.from(bytes, 'latin1'));
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
