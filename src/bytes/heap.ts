import { setFlagsFromString } from 'node:v8';

let isKept = false;

/**
 * From now on what is new on the heap is thrown away in small portions, which takes 30 MB less of memory and a little more time.
 * To be called when many objects are due, before they come: the heap grows, but hardly shrinks. A start has no use for it.
 */
export function keepHeapSmall(): void {
  if (isKept) return;
  isKept = true;
  setFlagsFromString('--semi-space-growth-factor=1');
}
