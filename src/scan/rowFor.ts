import type { Encoded } from '../bytes/bytes.ts';
import { encodedChecktxt } from '../entry/checktxt.ts';
import type { Ignored } from '../entry/entry.ts';
import type { Inspection } from '../filesystem/inspect.ts';

/** The checktxt that the row of what was found here has; undefined: it has no row. */
export function rowFor(found: Inspection | undefined, ignored: Ignored): Encoded | undefined {
  return found?.state === 'present' ? encodedChecktxt(found.entry, ignored) : undefined;
}
