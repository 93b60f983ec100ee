// MD4 of four messages of one length at once, for what is not worth 16 lanes. See md4x16.ts.
import { MESSAGE } from './layout';
import { f, g, h, md4x16, pad, storeDigests, transpose, word } from './md4x16';

/** Digests of 4 adjacent blocks of `length` bytes (a multiple of 64), stored as `md4x16` does. */
function md4x4(source: usize, length: u32, digests: usize, stride: usize): void {
  let a = i32x4.splat(0x67452301), b = i32x4.splat(0xefcdab89), c = i32x4.splat(0x98badcfe), d = i32x4.splat(0x10325476);
  const root2 = i32x4.splat(0x5a827999), root3 = i32x4.splat(0x6ed9eba1);
  for (let offset: u32 = 0; offset <= length; offset += 64) {
    if (offset < length) {
      const lane: usize = source + offset;
      transpose(lane, length, 0, 0);
      transpose(lane + 16, length, 0, 4);
      transpose(lane + 32, length, 0, 8);
      transpose(lane + 48, length, 0, 12);
    } else {
      pad(length, 1);
    }
    const oa = a, ob = b, oc = c, od = d;
    for (let i: u32 = 0; i < 4; i++) {
      const w: usize = MESSAGE + (i << 6);
      a = f(a, b, c, d, word(w, 0, 0), 3);
      d = f(d, a, b, c, word(w, 0, 1), 7);
      c = f(c, d, a, b, word(w, 0, 2), 11);
      b = f(b, c, d, a, word(w, 0, 3), 19);
    }
    let u = v128.xor(c, d), v = u;
    for (let i: u32 = 0; i < 4; i++) {
      const w: usize = MESSAGE + (i << 4);
      v = v128.xor(b, c);
      a = g(a, v, u, c, word(w, 0, 0), 3, root2);
      u = v128.xor(a, b);
      d = g(d, u, v, b, word(w, 0, 4), 5, root2);
      v = v128.xor(d, a);
      c = g(c, v, u, a, word(w, 0, 8), 9, root2);
      u = v128.xor(c, d);
      b = g(b, u, v, d, word(w, 0, 12), 13, root2);
    }
    for (let i: u32 = 0; i < 4; i++) {
      const w: usize = MESSAGE + (((i & 1) << 5) | ((i >> 1) << 4));
      u = v128.xor(b, c);
      a = h(a, u, d, word(w, 0, 0), 3, root3);
      d = h(d, u, a, word(w, 0, 8), 9, root3);
      u = v128.xor(d, a);
      c = h(c, u, b, word(w, 0, 4), 11, root3);
      b = h(b, u, c, word(w, 0, 12), 15, root3);
    }
    a = i32x4.add(a, oa); b = i32x4.add(b, ob); c = i32x4.add(c, oc); d = i32x4.add(d, od);
  }
  storeDigests(digests, stride, a, b, c, d);
}

/**
 * Digests of at least `blocks` adjacent blocks, 1 to 16, of `length` bytes (a multiple of 64). May read as much as 16
 * blocks and write as many digests; what is behind those asked for has no meaning.
 */
export function md4Group(source: usize, length: u32, blocks: u32, digests: usize, stride: usize): void {
  if (blocks > 8) {
    md4x16(source, length, digests, stride);
    return;
  }
  md4x4(source, length, digests, stride);
  if (blocks > 4) md4x4(source + (length << 2), length, digests + (stride << 2), stride);
}
