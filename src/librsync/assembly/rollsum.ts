// The weak sum: s1 adds up bytes + 31, s2 adds up every s1 on the way; both are taken modulo 2^16.

/** What each byte is offset by. */
export const OFFSET: u32 = 31;

function scalar(source: usize, length: u32): u32 {
  let s1: u32 = 0, s2: u32 = 0;
  for (const end = source + length; source < end; source++) {
    s1 += <u32>load<u8>(source) + OFFSET;
    s2 += s1;
  }
  return (s2 << 16) | (s1 & 0xffff);
}

@inline function sumLanes(x: v128): u32 {
  return (
    <u32>i16x8.extract_lane_u(x, 0) + i16x8.extract_lane_u(x, 1) + i16x8.extract_lane_u(x, 2) +
    i16x8.extract_lane_u(x, 3) + i16x8.extract_lane_u(x, 4) + i16x8.extract_lane_u(x, 5) +
    i16x8.extract_lane_u(x, 6) + i16x8.extract_lane_u(x, 7)
  );
}

/**
 * For a multiple of 16 bytes. Seen as rows of 16 bytes, a byte in row r (of R) and column c counts
 * 16 * (R - r) - c times in s2. Lanes hold pairs of columns; `rows` is the running total of `columns`, so that it
 * counts each byte R - r times. The second byte of each pair counts once less than the first: `words` adds up first +
 * 256 * second, `columns` first + second, the difference is 255 * second, and 255 * -257 is 1 modulo 2^16.
 */
function vector(source: usize, length: u32): u32 {
  let columns = i16x8.splat(0), rows = i16x8.splat(0), words = i16x8.splat(0);
  const end = source + length;
  for (const most = source + (length & ~63); source < most; source += 64) {
    let x = v128.load(source);
    columns = i16x8.add(columns, i16x8.extadd_pairwise_i8x16_u(x));
    words = i16x8.add(words, x);
    rows = i16x8.add(rows, columns);
    x = v128.load(source, 16);
    columns = i16x8.add(columns, i16x8.extadd_pairwise_i8x16_u(x));
    words = i16x8.add(words, x);
    rows = i16x8.add(rows, columns);
    x = v128.load(source, 32);
    columns = i16x8.add(columns, i16x8.extadd_pairwise_i8x16_u(x));
    words = i16x8.add(words, x);
    rows = i16x8.add(rows, columns);
    x = v128.load(source, 48);
    columns = i16x8.add(columns, i16x8.extadd_pairwise_i8x16_u(x));
    words = i16x8.add(words, x);
    rows = i16x8.add(rows, columns);
  }
  for (; source < end; source += 16) {
    const x = v128.load(source);
    columns = i16x8.add(columns, i16x8.extadd_pairwise_i8x16_u(x));
    words = i16x8.add(words, x);
    rows = i16x8.add(rows, columns);
  }
  const left = i16x8.mul(columns, i16x8(0, 2, 4, 6, 8, 10, 12, 14));
  const seconds = i16x8.mul(i16x8.sub(words, columns), i16x8.splat(-257));
  const s1 = sumLanes(columns) + OFFSET * length;
  const s2 = sumLanes(i16x8.sub(i16x8.sub(i16x8.shl(rows, 4), left), seconds)) +
    OFFSET * <u32>((<u64>length * (<u64>length + 1)) >> 1);
  return (s2 << 16) | (s1 & 0xffff);
}

/** The weak sum of `length` bytes at `source`: s2 in the upper half, s1 in the lower. */
export function weakSum(source: usize, length: u32): u32 {
  if (ASC_FEATURE_SIMD) {
    if (!(length & 15)) return vector(source, length);
  }
  return scalar(source, length);
}
