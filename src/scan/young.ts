import type { Encoded } from '../bytes/bytes.ts';
import type { Entry } from '../entry/entry.ts';
import { isChangedSince, type Young, youngStamp } from '../entry/young.ts';
import type { Inspection } from '../filesystem/inspect.ts';
import type { Change } from '../store/store.ts';

/** What is recorded is noted when that is a young file, and what was noted of another before is forgotten. */
export function noteYoung(name: Encoded, entry: Entry, youth: Young): Change[] {
  const stamp = youngStamp(entry, youth);
  return [stamp === undefined ? { type: 'dropYoung', name } : { type: 'noteYoung', name, stamp }];
}

/** Its row may be the same: is it a file that was changed since it was noted, within that second? */
export function isHiddenChange(found: Inspection, noted: string | undefined): boolean {
  return noted !== undefined && found.state === 'present' && isChangedSince(noted, found.entry);
}

/** What was found when that is a regular file. */
export function fileFound(found: Inspection | undefined): Entry | undefined {
  return found?.state === 'present' && found.entry.kind === 'reg' ? found.entry : undefined;
}

/** What the database has of a file. */
export interface Recorded {
  readonly row: Encoded | undefined;
  /** Its stamp, if it was young then. */
  readonly noted: string | undefined;
}
