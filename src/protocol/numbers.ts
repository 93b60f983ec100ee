/** The ranges of the numbers that describe an object, on the wire. */
export const largestId = 0xffff_ffff;
export const largestMode = 0o177_777;
export const largestDevice = 0xffff_ffff;

const decimal = /^[0-9]+$/;
const signedDecimal = /^-?[0-9]+$/;

/** True for one or more ASCII digits and nothing else. */
export function isDecimal(word: string): boolean {
  return decimal.test(word);
}

/** A whole decimal number from `min` to `max`; undefined for anything else, blanks and `+` included. */
export function parseInteger(word: string | undefined, min: number, max: number): number | undefined {
  if (word === undefined || !signedDecimal.test(word)) return undefined;
  const value = Number(word);
  // "-0" is zero like any other.
  return value >= min && value <= max ? value || 0 : undefined;
}
