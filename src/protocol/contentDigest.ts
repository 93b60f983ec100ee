import { createHash } from 'node:crypto';

/** Largest content, in bytes, that travels whole or is compared by its digest; beyond it SIG and PATCH do better. */
export const contentLimit = 1 << 20;

/** What XSET names content by: the first 16 bytes of its SHA-256, as 32 lower-case hex digits. */
export function contentDigest(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}

const shape = /^[0-9a-f]{32}$/;

export function isContentDigest(word: string): boolean {
  return shape.test(word);
}
