import fs from 'node:fs';
import type { DiskPath } from '../bytes/bytes.ts';
import type { Entry } from '../entry/entry.ts';
import { entryFromStats } from '../entry/fromStats.ts';
import { withParent, type Parent } from './parent.ts';
import { Problem } from './problem.ts';

/** What stands at a path. `absent`: nothing, but its parent directory is there. `impure`: a parent is a symbolic link. */
export type Inspection =
  | { readonly state: 'present'; readonly entry: Entry }
  | { readonly state: 'absent' }
  | { readonly state: 'parent-missing' }
  | { readonly state: 'impure' }
  | { readonly state: 'error'; readonly problem: Problem };

const absent: Inspection = { state: 'absent' };
const parentMissing: Inspection = { state: 'parent-missing' };
const impure: Inspection = { state: 'impure' };

/** Looks at one object without following links. Never throws for what the filesystem says. */
export function inspect(path: DiskPath): Inspection {
  const result = withParent(path, inspectIn);
  return result instanceof Problem ? asInspection(result) : result;
}

/** How `inspect` would have put a Problem of another operation. */
export function asInspection(problem: Problem): Inspection {
  switch (problem.code) {
    case 'PARENT_MISSING':
      return parentMissing;
    case 'IMPURE':
      return impure;
    case 'ENOENT':
      return absent;
    default:
      return { state: 'error', problem };
  }
}

/** The same through an open parent directory; throws what `node:fs` throws. */
export function inspectIn(parent: Parent): Inspection {
  const stats = fs.lstatSync(parent.at, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return absent;
  const target = stats.isSymbolicLink() ? fs.readlinkSync(parent.at, 'latin1') : '';
  return { state: 'present', entry: entryFromStats(stats, target) };
}
