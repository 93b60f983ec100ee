// MD4 of 16 messages of one length at once: 4 independent sets of 4 lanes. One lane set alone waits for its own
// results most of the time; four in step keep the vector units busy. The rounds are loops of 4 x 4 steps on purpose:
// fully unrolled, V8 orders the sets one after the other and half of the speed is gone.
import { MESSAGE } from './layout';

@inline function rotate(x: v128, n: i32): v128 {
  return v128.or(i32x4.shl(x, n), i32x4.shr_u(x, 32 - n));
}
@inline export function f(a: v128, b: v128, c: v128, d: v128, w: v128, n: i32): v128 {
  return rotate(i32x4.add(i32x4.add(a, w), v128.xor(d, v128.and(b, v128.xor(c, d)))), n);
}
@inline export function g(a: v128, bc: v128, cd: v128, c: v128, w: v128, n: i32, root: v128): v128 {
  return rotate(i32x4.add(i32x4.add(i32x4.add(a, w), root), v128.xor(v128.and(bc, cd), c)), n);
}
@inline export function h(a: v128, bc: v128, d: v128, w: v128, n: i32, root: v128): v128 {
  return rotate(i32x4.add(i32x4.add(i32x4.add(a, w), root), v128.xor(bc, d)), n);
}

/** Four 16-byte rows of words to four columns. */
@inline function low(x: v128, y: v128): v128 {
  return i8x16.shuffle(x, y, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
}
@inline function high(x: v128, y: v128): v128 {
  return i8x16.shuffle(x, y, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
}
@inline function first(x: v128, y: v128): v128 {
  return i8x16.shuffle(x, y, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
}
@inline function second(x: v128, y: v128): v128 {
  return i8x16.shuffle(x, y, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}

/** Words `word`..`word + 3` of four lanes, `stride` bytes apart, into the message scratch of one set. */
@inline export function transpose(lane: usize, stride: usize, set: u32, word: u32): void {
  const x0 = v128.load(lane), x1 = v128.load(lane + stride);
  const x2 = v128.load(lane + stride * 2), x3 = v128.load(lane + stride * 3);
  const t0 = low(x0, x1), t1 = high(x0, x1), t2 = low(x2, x3), t3 = high(x2, x3);
  const out: usize = MESSAGE + ((set * 16 + word) << 4);
  v128.store(out, first(t0, t2));
  v128.store(out, second(t0, t2), 16);
  v128.store(out, first(t1, t3), 32);
  v128.store(out, second(t1, t3), 48);
}

/** The last 64 bytes that every message of `sets` sets gets: a one bit, zeros, the length in bits. */
export function pad(length: u32, sets: u32): void {
  for (let set: u32 = 0; set < sets; set++) {
    const out: usize = MESSAGE + (set << 8);
    for (let i: u32 = 0; i < 16; i++) v128.store(out + (i << 4), i32x4.splat(0));
    v128.store(out, i32x4.splat(0x80));
    v128.store(out, i32x4.splat(length << 3), 14 * 16);
  }
}

@inline export function word(base: usize, set: u32, i: u32): v128 {
  return v128.load(base + ((set * 16 + i) << 4));
}

/** The states of four lanes as four digests of 16 bytes, `stride` bytes apart, in ascending order. */
@inline export function storeDigests(out: usize, stride: usize, a: v128, b: v128, c: v128, d: v128): void {
  const t0 = low(a, b), t1 = high(a, b), t2 = low(c, d), t3 = high(c, d);
  v128.store(out, first(t0, t2));
  v128.store(out + stride, second(t0, t2));
  v128.store(out + stride * 2, first(t1, t3));
  v128.store(out + stride * 3, second(t1, t3));
}

/**
 * Digests of 16 adjacent blocks of `length` bytes (a multiple of 64) at `source`. Digest i goes to
 * `digests + i * stride`, 16 bytes each, in ascending order: with a smaller stride the later one wins.
 */
export function md4x16(source: usize, length: u32, digests: usize, stride: usize): void {
  let a0 = i32x4.splat(0x67452301), b0 = i32x4.splat(0xefcdab89), c0 = i32x4.splat(0x98badcfe), d0 = i32x4.splat(0x10325476);
  let a1 = a0, b1 = b0, c1 = c0, d1 = d0;
  let a2 = a0, b2 = b0, c2 = c0, d2 = d0;
  let a3 = a0, b3 = b0, c3 = c0, d3 = d0;
  const root2 = i32x4.splat(0x5a827999), root3 = i32x4.splat(0x6ed9eba1);
  for (let offset: u32 = 0; offset <= length; offset += 64) {
    if (offset < length) {
      let lane: usize = source + offset;
      for (let set: u32 = 0; set < 4; set++) {
        transpose(lane, length, set, 0);
        transpose(lane + 16, length, set, 4);
        transpose(lane + 32, length, set, 8);
        transpose(lane + 48, length, set, 12);
        lane += <usize>length << 2;
      }
    } else {
      pad(length, 4);
    }
    const oa0 = a0, ob0 = b0, oc0 = c0, od0 = d0;
    const oa1 = a1, ob1 = b1, oc1 = c1, od1 = d1;
    const oa2 = a2, ob2 = b2, oc2 = c2, od2 = d2;
    const oa3 = a3, ob3 = b3, oc3 = c3, od3 = d3;
    for (let i: u32 = 0; i < 4; i++) {
      const w: usize = MESSAGE + (i << 6);
      a0 = f(a0, b0, c0, d0, word(w, 0, 0), 3);
      a1 = f(a1, b1, c1, d1, word(w, 1, 0), 3);
      a2 = f(a2, b2, c2, d2, word(w, 2, 0), 3);
      a3 = f(a3, b3, c3, d3, word(w, 3, 0), 3);
      d0 = f(d0, a0, b0, c0, word(w, 0, 1), 7);
      d1 = f(d1, a1, b1, c1, word(w, 1, 1), 7);
      d2 = f(d2, a2, b2, c2, word(w, 2, 1), 7);
      d3 = f(d3, a3, b3, c3, word(w, 3, 1), 7);
      c0 = f(c0, d0, a0, b0, word(w, 0, 2), 11);
      c1 = f(c1, d1, a1, b1, word(w, 1, 2), 11);
      c2 = f(c2, d2, a2, b2, word(w, 2, 2), 11);
      c3 = f(c3, d3, a3, b3, word(w, 3, 2), 11);
      b0 = f(b0, c0, d0, a0, word(w, 0, 3), 19);
      b1 = f(b1, c1, d1, a1, word(w, 1, 3), 19);
      b2 = f(b2, c2, d2, a2, word(w, 2, 3), 19);
      b3 = f(b3, c3, d3, a3, word(w, 3, 3), 19);
    }
    let u0 = v128.xor(c0, d0), v0 = u0;
    let u1 = v128.xor(c1, d1), v1 = u1;
    let u2 = v128.xor(c2, d2), v2 = u2;
    let u3 = v128.xor(c3, d3), v3 = u3;
    for (let i: u32 = 0; i < 4; i++) {
      const w: usize = MESSAGE + (i << 4);
      v0 = v128.xor(b0, c0);
      a0 = g(a0, v0, u0, c0, word(w, 0, 0), 3, root2);
      v1 = v128.xor(b1, c1);
      a1 = g(a1, v1, u1, c1, word(w, 1, 0), 3, root2);
      v2 = v128.xor(b2, c2);
      a2 = g(a2, v2, u2, c2, word(w, 2, 0), 3, root2);
      v3 = v128.xor(b3, c3);
      a3 = g(a3, v3, u3, c3, word(w, 3, 0), 3, root2);
      u0 = v128.xor(a0, b0);
      d0 = g(d0, u0, v0, b0, word(w, 0, 4), 5, root2);
      u1 = v128.xor(a1, b1);
      d1 = g(d1, u1, v1, b1, word(w, 1, 4), 5, root2);
      u2 = v128.xor(a2, b2);
      d2 = g(d2, u2, v2, b2, word(w, 2, 4), 5, root2);
      u3 = v128.xor(a3, b3);
      d3 = g(d3, u3, v3, b3, word(w, 3, 4), 5, root2);
      v0 = v128.xor(d0, a0);
      c0 = g(c0, v0, u0, a0, word(w, 0, 8), 9, root2);
      v1 = v128.xor(d1, a1);
      c1 = g(c1, v1, u1, a1, word(w, 1, 8), 9, root2);
      v2 = v128.xor(d2, a2);
      c2 = g(c2, v2, u2, a2, word(w, 2, 8), 9, root2);
      v3 = v128.xor(d3, a3);
      c3 = g(c3, v3, u3, a3, word(w, 3, 8), 9, root2);
      u0 = v128.xor(c0, d0);
      b0 = g(b0, u0, v0, d0, word(w, 0, 12), 13, root2);
      u1 = v128.xor(c1, d1);
      b1 = g(b1, u1, v1, d1, word(w, 1, 12), 13, root2);
      u2 = v128.xor(c2, d2);
      b2 = g(b2, u2, v2, d2, word(w, 2, 12), 13, root2);
      u3 = v128.xor(c3, d3);
      b3 = g(b3, u3, v3, d3, word(w, 3, 12), 13, root2);
    }
    for (let i: u32 = 0; i < 4; i++) {
      const w: usize = MESSAGE + (((i & 1) << 5) | ((i >> 1) << 4));
      u0 = v128.xor(b0, c0);
      a0 = h(a0, u0, d0, word(w, 0, 0), 3, root3);
      u1 = v128.xor(b1, c1);
      a1 = h(a1, u1, d1, word(w, 1, 0), 3, root3);
      u2 = v128.xor(b2, c2);
      a2 = h(a2, u2, d2, word(w, 2, 0), 3, root3);
      u3 = v128.xor(b3, c3);
      a3 = h(a3, u3, d3, word(w, 3, 0), 3, root3);
      d0 = h(d0, u0, a0, word(w, 0, 8), 9, root3);
      d1 = h(d1, u1, a1, word(w, 1, 8), 9, root3);
      d2 = h(d2, u2, a2, word(w, 2, 8), 9, root3);
      d3 = h(d3, u3, a3, word(w, 3, 8), 9, root3);
      u0 = v128.xor(d0, a0);
      c0 = h(c0, u0, b0, word(w, 0, 4), 11, root3);
      u1 = v128.xor(d1, a1);
      c1 = h(c1, u1, b1, word(w, 1, 4), 11, root3);
      u2 = v128.xor(d2, a2);
      c2 = h(c2, u2, b2, word(w, 2, 4), 11, root3);
      u3 = v128.xor(d3, a3);
      c3 = h(c3, u3, b3, word(w, 3, 4), 11, root3);
      b0 = h(b0, u0, c0, word(w, 0, 12), 15, root3);
      b1 = h(b1, u1, c1, word(w, 1, 12), 15, root3);
      b2 = h(b2, u2, c2, word(w, 2, 12), 15, root3);
      b3 = h(b3, u3, c3, word(w, 3, 12), 15, root3);
    }
    a0 = i32x4.add(a0, oa0); b0 = i32x4.add(b0, ob0); c0 = i32x4.add(c0, oc0); d0 = i32x4.add(d0, od0);
    a1 = i32x4.add(a1, oa1); b1 = i32x4.add(b1, ob1); c1 = i32x4.add(c1, oc1); d1 = i32x4.add(d1, od1);
    a2 = i32x4.add(a2, oa2); b2 = i32x4.add(b2, ob2); c2 = i32x4.add(c2, oc2); d2 = i32x4.add(d2, od2);
    a3 = i32x4.add(a3, oa3); b3 = i32x4.add(b3, ob3); c3 = i32x4.add(c3, oc3); d3 = i32x4.add(d3, od3);
  }
  storeDigests(digests, stride, a0, b0, c0, d0);
  storeDigests(digests + stride * 4, stride, a1, b1, c1, d1);
  storeDigests(digests + stride * 8, stride, a2, b2, c2, d2);
  storeDigests(digests + stride * 12, stride, a3, b3, c3, d3);
}
