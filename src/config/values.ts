import type { Source } from './source.ts';
import type { Word } from './syntax.ts';

/** Fails with ConfigError for anything but up to nine digits. */
export function wholeNumber(name: string, { text, at }: Word, source: Source): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw source.error(`'${text}' is not a number for ${name}.`, at);
  return Number(text);
}

const units: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Digits, then perhaps K, M, G or T for powers of 1,024. Fails with ConfigError. */
export function byteCount(name: string, { text, at }: Word, source: Source): number {
  const [, digits, unit = ''] = /^([0-9]{1,15})([KMGT]?)$/.exec(text) ?? [];
  const bytes = Number(digits) * (units[unit] as number);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw source.error(`'${text}' is not a number of bytes for ${name}.`, at);
}
