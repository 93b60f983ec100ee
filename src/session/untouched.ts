import type { Inspection } from '../filesystem/inspect.ts';

/** Nobody touched it between two looks, as far as the kernel's own change time tells. */
export function isUntouched(before: Inspection, now: Inspection): boolean {
  if (before.state !== 'present' || now.state !== 'present') return before.state === now.state;
  // A directory's time changes with its entries; its own metadata does not come from there.
  if (before.entry.kind === 'dir' && now.entry.kind === 'dir') return before.entry.inode === now.entry.inode;
  return before.entry.inode === now.entry.inode && before.entry.changeTimeNs === now.entry.changeTimeNs;
}
