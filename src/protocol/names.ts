import type { FileName } from '../bytes/bytes.ts';

/** Bytes; longer paths are none to the kernel. */
export const longestName = 4095;

/** `/` or `%prefix%`, then components of 1–255 bytes that are neither `.` nor `..`, each after one slash; no NUL. */
const wellFormed = /^(?:%[^%/\0]+%)?(?:\/(?!\.{1,2}(?:\/|$))[^/\0]{1,255})*$/;

/**
 * Checks a decoded name from a peer. Undefined unless it is absolute or `%prefix%`-relative and stays below where it
 * starts by its spelling alone: no empty, `.` or `..` component, no NUL, at most `longest` bytes, components at most 255.
 */
export function validateName(name: string, longest = longestName): FileName | undefined {
  if (name === '/') return name as FileName;
  if (name === '' || name.length > longest || !wellFormed.test(name)) return undefined;
  return name as FileName;
}

/** Can this be what a link points to? At most `longest` bytes. */
export function isTarget(target: string, longest = longestName): boolean {
  return target !== '' && target.length <= longest && !target.includes('\0');
}
