// Looks for blocks of the prepared signature in a window of new bytes.
//
// Two states. Following: the last match ended here, so the next blocks of the signature are the best guess; 16 of them
// are hashed at once. Rolling: nothing known matches here, the weak sum moves on byte by byte until the table has it.
import {
  BLOOM,
  CANDIDATES,
  DIGESTS,
  GATHERED,
  GATHERED_BYTES,
  MASKS,
  MAX_RUNS,
  PROBES,
  RUN_BYTES,
  RUNS,
  SUMS,
  WINDOW_SLACK,
} from './layout';
import { md4 } from './md4';
import { md4x16 } from './md4x16';
import { md4Group } from './md4x4';
import { OFFSET, weakSum } from './rollsum';
import { blockCount, blockLength, bloomShift, find, findDigest, isBlock, isKnown, matchesBlock, maybePresent, MULTIPLIER } from './table';

const NOWHERE: u32 = 0xffffffff;

/** Runs of matching blocks that the last `scan` wrote to RUNS. */
export let runCount: u32 = 0;
/** The block that should come next, or NOWHERE. */
let expected: u32 = NOWHERE;
/** Rolling: s1 and s2 are of the block-sized view that starts at the position reached, which matches nothing. */
let rolling: bool = false;
let s1: u32 = 0;
let s2: u32 = 0;
/** The block that `roll` stopped at, and where. */
let found: u32 = 0;
let matchedAt: usize = 0;
/** Whether `rollVectors` stopped at a weak sum that may be in the signature. */
let stopped: bool = false;
/** Weak sums since the last match that the signature has, of blocks that it has not. */
let chances: u32 = 0;
/** Blocks put aside to be hashed together; none between calls of `scan`. */
let candidates: u32 = 0;

/** So many blocks that matched by weak sum only make it likely that there are many more. */
const PATIENCE: u32 = 8;
/** Bytes to roll on at most while candidates wait. */
const MAX_DEFERRED: usize = 32768;

/** Start of a file: its first block is expected to be the first of the signature. */
export function begin(): void {
  expected = 0;
  rolling = false;
  chances = 0;
}

/** Notes that `blocks` blocks from `index` on match at `position`, as part of the last run where it goes on there. */
function note(position: u32, index: u32, blocks: u32): void {
  const next: usize = RUNS + runCount * RUN_BYTES;
  if (runCount) {
    const last = next - RUN_BYTES;
    const lastBlocks = load<u32>(last, 8);
    if (load<u32>(last) + lastBlocks * blockLength == position && load<u32>(last, 4) + lastBlocks == index) {
      store<u32>(last, lastBlocks + blocks, 8);
      return;
    }
  }
  store<u32>(next, position);
  store<u32>(next, index, 4);
  store<u32>(next, blocks, 8);
  runCount++;
}

/**
 * Follows the signature as long as groups of blocks match; returns where that ended. 16 are hashed at once, also when
 * only a few are left: that is faster than one by one.
 */
function follow(source: usize, position: usize, end: usize): usize {
  const fewest: u32 = blockLength << 4 <= WINDOW_SLACK ? 2 : 16;
  while (expected < blockCount) {
    const group = min<u32>(16, min<u32>(blockCount - expected, <u32>(end - position) / blockLength));
    if (group < fewest) break;
    md4Group(position, blockLength, group, DIGESTS, 16);
    let matching: u32 = 0;
    while (matching < group && isBlock(expected + matching, DIGESTS + (matching << 4))) matching++;
    if (matching) note(<u32>(position - source), expected, matching);
    position += matching * blockLength;
    expected += matching;
    if (matching < group) {
      expected = NOWHERE;
      break;
    }
  }
  return position;
}

/** The block that matches at `source`, the expected one first, or -1. */
@inline function matchHere(source: usize, weak: u32): i32 {
  if (expected < blockCount && matchesBlock(expected, source, blockLength, weak)) return expected;
  return find(source, blockLength, weak);
}

/**
 * What to do about a weak sum that the signature has, of the block-sized view at `position`. True when that is a match:
 * then `found` and `matchedAt` say which and where.
 *
 * The more blocks a signature has, the more often a weak sum is there by chance, and hashing those one by one would
 * take longer than all the rest. After a few such, candidates are put aside, and 16 of them are hashed together.
 */
function consider(position: usize, weak: u32): bool {
  if (ASC_FEATURE_SIMD) {
    if (chances >= PATIENCE && !(blockLength & 63) && blockLength * 16 <= GATHERED_BYTES) {
      if (!isKnown(weak)) return false;
      memory.copy(GATHERED + candidates * blockLength, position, blockLength);
      store<u32>(CANDIDATES + (candidates << 3), <u32>position);
      store<u32>(CANDIDATES + (candidates << 3), weak, 4);
      candidates++;
      return candidates == 16 && decide();
    }
  }
  if (!isKnown(weak)) return false;
  md4(position, blockLength, DIGESTS);
  const index = findDigest(weak, DIGESTS);
  if (index < 0) {
    chances++;
    return false;
  }
  found = index;
  matchedAt = position;
  return true;
}

/** Hashes the candidates put aside; true when one of them is a match, the first is taken. */
function decide(): bool {
  const count = candidates;
  candidates = 0;
  md4x16(GATHERED, blockLength, DIGESTS, 16);
  for (let i: u32 = 0; i < count; i++) {
    const candidate: usize = CANDIDATES + (i << 3);
    const index = findDigest(load<u32>(candidate, 4), DIGESTS + (i << 4));
    if (index >= 0) {
      found = index;
      matchedAt = load<u32>(candidate);
      return true;
    }
  }
  return false;
}

/** Whether candidates put aside have to be decided now: rolling on from a match is for nothing. */
@inline function isDue(position: usize): bool {
  return candidates > 0 && position > load<u32>(CANDIDATES) + MAX_DEFERRED;
}

/** Rolls one byte at a time up to `last`; true when there was a match. */
function rollBytes(position: usize, last: usize): bool {
  const ahead = blockLength;
  let a = s1, b = s2;
  while (position < last) {
    const gone = <u32>load<u8>(position);
    a += <u32>load<u8>(position + ahead) - gone;
    b += a - (gone + OFFSET) * ahead;
    position++;
    const weak = (b << 16) | (a & 0xffff);
    if (maybePresent(weak * MULTIPLIER) && consider(position, weak)) return true;
  }
  s1 = a;
  s2 = b;
  return false;
}

/** Running totals of eight 16-bit lanes. */
@inline function prefixSums(x: v128): v128 {
  const zero = i16x8.splat(0);
  x = i16x8.add(x, i8x16.shuffle(zero, x, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29));
  x = i16x8.add(x, i8x16.shuffle(zero, x, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27));
  return i16x8.add(x, i8x16.shuffle(zero, x, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23));
}
@inline function lastLane(x: v128): v128 {
  return i8x16.shuffle(x, x, 14, 15, 14, 15, 14, 15, 14, 15, 14, 15, 14, 15, 14, 15, 14, 15);
}
/** Whether the Bloom filter surely does not have the sum that step `i` put into PROBES. */
@inline function absent(i: u32): u32 {
  return load<u32>(<usize>load<u32>(PROBES + (i << 2)), BLOOM) & load<u32>(<usize>load<u32>(PROBES + 32 + (i << 2)), MASKS);
}

/** Whether the last step of `rollVectors`, whose first view was at `position`, makes a match. */
function considerStep(position: usize): bool {
  for (let i: u32 = 0; i < 8; i++) {
    if (!absent(i) && consider(position + i, load<u32>(SUMS + (i << 2)))) return true;
  }
  return isDue(position) && decide();
}

/**
 * Rolls 8 positions at a time as far as whole steps fit before `last`, or to the end of a step in which a weak sum may
 * be in the signature (then `stopped`). Returns the position reached. Calls nothing: the vectors stay in registers.
 */
function rollVectors(position: usize, last: usize): usize {
  const shift = bloomShift, ahead: usize = blockLength;
  const length = i16x8.splat(<i16>blockLength), offsets = i16x8.splat(<i16>(OFFSET * blockLength));
  const multiplier = i32x4.splat(MULTIPLIER), wordMask = i32x4.splat(~3), lowByte = i32x4.splat(0x3fc);
  let a = i16x8.splat(<i16>s1), b = i16x8.splat(<i16>s2);
  stopped = false;
  while (position + 8 <= last) {
    const gone = v128.load_ext<u8>(position), come = v128.load_ext<u8>(position + ahead);
    const sums1 = i16x8.add(a, prefixSums(i16x8.sub(come, gone)));
    const sums2 = i16x8.add(b, prefixSums(i16x8.sub(i16x8.sub(sums1, i16x8.mul(gone, length)), offsets)));
    const weak0 = i8x16.shuffle(sums1, sums2, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23);
    const weak1 = i8x16.shuffle(sums1, sums2, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31);
    const hash0 = i32x4.mul(weak0, multiplier), hash1 = i32x4.mul(weak1, multiplier);
    v128.store(PROBES, v128.and(i32x4.shr_u(hash0, shift), wordMask));
    v128.store(PROBES, v128.and(i32x4.shr_u(hash1, shift), wordMask), 16);
    v128.store(PROBES, v128.and(i32x4.shl(hash0, 2), lowByte), 32);
    v128.store(PROBES, v128.and(i32x4.shl(hash1, 2), lowByte), 48);
    a = lastLane(sums1);
    b = lastLane(sums2);
    position += 8;
    if (!(absent(0) && absent(1) && absent(2) && absent(3) && absent(4) && absent(5) && absent(6) && absent(7))) {
      v128.store(SUMS, weak0);
      v128.store(SUMS, weak1, 16);
      stopped = true;
      break;
    }
  }
  s1 = i16x8.extract_lane_u(a, 0);
  s2 = i16x8.extract_lane_u(b, 0);
  return position;
}

/** Rolls from `position` up to `last`, the last place where a whole block is in view; true when there was a match. */
function roll(position: usize, last: usize): bool {
  if (ASC_FEATURE_SIMD) {
    for (;;) {
      position = rollVectors(position, last);
      if (!stopped) break;
      if (considerStep(position - 7)) return true;
    }
    return rollBytes(position, last) || (candidates > 0 && decide());
  }
  return rollBytes(position, last);
}

/**
 * Scans `length` bytes at `source`, writes the matches to RUNS and returns how many bytes are done with: literal where
 * no run covers them. What remains (at most a block) is to be the start of the next window; more remains only when RUNS
 * is full.
 */
export function scan(source: usize, length: u32): u32 {
  const end: usize = source + length;
  let position = source;
  runCount = 0;
  while (position + blockLength <= end && runCount < MAX_RUNS) {
    if (!rolling) {
      if (ASC_FEATURE_SIMD) {
        if (!(blockLength & 63)) position = follow(source, position, end);
        if (position + blockLength > end) break;
      }
      const weak = weakSum(position, blockLength);
      const index = matchHere(position, weak);
      if (index >= 0) {
        note(<u32>(position - source), index, 1);
        position += blockLength;
        expected = index + 1;
        continue;
      }
      s1 = weak & 0xffff;
      s2 = weak >> 16;
      rolling = true;
    }
    if (!roll(position, end - blockLength)) {
      position = end - blockLength;
      break;
    }
    rolling = false;
    chances = 0;
    candidates = 0;
    note(<u32>(matchedAt - source), found, 1);
    position = matchedAt + blockLength;
    expected = found + 1;
  }
  return <u32>(position - source);
}

/**
 * The end of a file: only the last block of a signature may be shorter than the others, so only it can match what is
 * left (at most a block). Returns how many of the last bytes are that block's, or 0.
 */
export function matchTail(source: usize, length: u32): u32 {
  if (!blockCount) return 0;
  const weak = weakSum(source, length);
  let a = weak & 0xffff, b = weak >> 16;
  while (length) {
    if (matchesBlock(blockCount - 1, source, length, (b << 16) | (a & 0xffff))) return length;
    const gone = <u32>load<u8>(source) + OFFSET;
    a -= gone;
    b -= gone * length;
    source++;
    length--;
  }
  return 0;
}
