import * as crypto from 'node:crypto';

/** Largest content, in bytes, that travels whole or is compared by its digest; beyond it SIG and PATCH do better. */
export const contentLimit = 1 << 20;

/** What XSET names content by: the first 16 bytes of its SHA-256, as 32 lower-case hex digits. */
export function contentDigest(content: Uint8Array): string {
  return sha256(content).slice(0, 32);
}

/** In one call where Node has it (20.12): half of the time for a small file is spent on making the object otherwise. */
const sha256: (content: Uint8Array) => string =
  'hash' in crypto
    ? (content) => crypto.hash('sha256', content)
    : (content) => crypto.createHash('sha256').update(content).digest('hex');

const shape = /^[0-9a-f]{32}$/;

export function isContentDigest(word: string): boolean {
  return shape.test(word);
}
