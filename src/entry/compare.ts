/**
 * Comparison of checktxts as text, decoded or encoded alike: both sides must be in the same form. Texts that are no
 * checktxts are equal only when they are identical.
 */

const encodedMark = '%3A';

/** Equal but for the mtime: the same content, owner and mode as far as metadata can tell. */
export function sameButTime(a: string, b: string): boolean {
  return a === b || withoutTime(a) === withoutTime(b);
}

/**
 * The same object as far as the rows can tell: identical, or two links of which one has no target recorded and that are
 * otherwise identical. The C program records an empty target for links under a prefix.
 */
export function sameButUnknownTarget(a: string, b: string): boolean {
  return a === b || (emptyTarget(a) && b.startsWith(a)) || (emptyTarget(b) && a.startsWith(b));
}

/** True for a link whose target was not recorded. */
export function emptyTarget(text: string): boolean {
  return text.endsWith('type=lnk:target=') || text.endsWith('type=lnk%3Atarget=');
}

export function isSocket(text: string): boolean {
  return text.endsWith('type=sock');
}

/** `v1:mtime=12:mode=…` → `v1:mode=…`, in either form. */
export function withoutTime(text: string): string {
  const plain = text.startsWith('v1:mtime=');
  if (!plain && !text.startsWith('v1%3Amtime=')) return text;
  const end = text.indexOf(plain ? ':' : encodedMark, plain ? 9 : 11);
  return end < 0 ? text : 'v1' + text.slice(end);
}
