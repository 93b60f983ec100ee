import type { Inspection } from '../filesystem/inspect.ts';

/** Nobody touched it between two looks, as far as the kernel's own change time tells. */
export function isUntouched(before: Inspection, now: Inspection): boolean {
  if (before.state !== 'present' || now.state !== 'present') return before.state === now.state;
  const [was, is] = [before.entry, now.entry];
  if (was.inode !== is.inode) return false;
  // A directory's time changes with its entries, too.
  if (was.kind === 'dir') return was.mode === is.mode && was.uid === is.uid && was.gid === is.gid;
  return was.changeTimeNs === is.changeTimeNs;
}
