import { parseInteger } from './numbers.ts';

/** The line after `OK (data_follows).` of GETTM and GETSZ: seconds or bytes, −1 for no file; undefined: malformed. */
export function parseNumberLine(line: string): number | undefined {
  return parseInteger(line, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}
