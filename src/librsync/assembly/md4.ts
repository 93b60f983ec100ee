// MD4 (RFC 1320) of one message, all of it in memory.
import { MESSAGE } from './layout';

const ROUND2: u32 = 0x5a827999;
const ROUND3: u32 = 0x6ed9eba1;

@inline function f(a: u32, b: u32, c: u32, d: u32, w: u32, n: u32): u32 {
  return rotl<u32>(a + w + (d ^ (b & (c ^ d))), n);
}
@inline function g(a: u32, b: u32, c: u32, d: u32, w: u32, n: u32): u32 {
  return rotl<u32>(a + w + ROUND2 + (c & d) + (b & (c ^ d)), n);
}
@inline function h(a: u32, b: u32, c: u32, d: u32, w: u32, n: u32): u32 {
  return rotl<u32>(a + w + ROUND3 + (b ^ c ^ d), n);
}
@inline function word(block: usize, i: u32): u32 {
  return load<u32>(block + (i << 2));
}

function compress(state: usize, block: usize): void {
  let a = load<u32>(state), b = load<u32>(state, 4), c = load<u32>(state, 8), d = load<u32>(state, 12);
  for (let i: u32 = 0; i < 16; i += 4) {
    a = f(a, b, c, d, word(block, i), 3);
    d = f(d, a, b, c, word(block, i + 1), 7);
    c = f(c, d, a, b, word(block, i + 2), 11);
    b = f(b, c, d, a, word(block, i + 3), 19);
  }
  for (let i: u32 = 0; i < 4; i++) {
    a = g(a, b, c, d, word(block, i), 3);
    d = g(d, a, b, c, word(block, i + 4), 5);
    c = g(c, d, a, b, word(block, i + 8), 9);
    b = g(b, c, d, a, word(block, i + 12), 13);
  }
  for (let i: u32 = 0; i < 4; i++) {
    const j: u32 = ((i & 1) << 1) | (i >> 1);
    a = h(a, b, c, d, word(block, j), 3);
    d = h(d, a, b, c, word(block, j + 8), 9);
    c = h(c, d, a, b, word(block, j + 4), 11);
    b = h(b, c, d, a, word(block, j + 12), 15);
  }
  store<u32>(state, load<u32>(state) + a);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
}

/** Writes the 16-byte digest of `length` bytes at `source` to `digest`. */
export function md4(source: usize, length: u32, digest: usize): void {
  store<u32>(digest, 0x67452301);
  store<u32>(digest, 0xefcdab89, 4);
  store<u32>(digest, 0x98badcfe, 8);
  store<u32>(digest, 0x10325476, 12);
  const whole = length & ~63;
  for (let offset: u32 = 0; offset < whole; offset += 64) compress(digest, source + offset);
  const rest = length - whole;
  const padded: u32 = rest < 56 ? 64 : 128;
  memory.fill(MESSAGE, 0, padded);
  memory.copy(MESSAGE, source + whole, rest);
  store<u8>(MESSAGE + rest, 0x80);
  store<u64>(MESSAGE + padded - 8, <u64>length << 3);
  compress(digest, MESSAGE);
  if (padded > 64) compress(digest, MESSAGE + 64);
}
