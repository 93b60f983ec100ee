// The signature as something to look up in: records as they came, a hash table of record numbers by weak sum, and in
// front of it a Bloom filter that small enough to stay in the cache turns away nearly every sum that is not there.
import { BLOOM, DIGESTS, MASKS, MAX_BLOOM_BITS, MIN_BLOOM_BITS, SIGNATURE } from './layout';
import { md4 } from './md4';

/**
 * A slot holds the number of a record plus one, and in its upper bits a tag from the hash: most records that merely
 * share a slot with what is looked for are passed over without a look at them. 0: free.
 */
const INDEX_BITS: u32 = 26;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

/** Records whose slots are further off than this are left out: a signature made to collide costs matches, not time. */
const MAX_DISTANCE: u32 = 64;

export let blockLength: u32 = 0;
export let blockCount: u32 = 0;
let strongLength: u32 = 0;
let stride: u32 = 0;
let table: usize = 0;
let slotMask: u32 = 0;
/** Right shift that leaves the Bloom word's offset, in bytes, after masking with ~3. */
export let bloomShift: u32 = 0;

export const MULTIPLIER: u32 = 0x9e3779b1;

@inline function slotOf(hash: u32): u32 {
  return (hash ^ (hash >> 15)) & slotMask;
}

@inline function tagOf(hash: u32): u32 {
  // Bits 8 to 13: the Bloom filter, which what is looked for has passed, says nothing about most of them.
  return (hash << 18) & ~INDEX_MASK;
}

@inline function recordAt(index: u32): usize {
  return SIGNATURE + <usize>index * stride;
}

/** False when the weak sum of this hash is surely not in the signature. Bits are clear where something is present. */
@inline export function maybePresent(hash: u32): bool {
  const word = load<u32>(<usize>((hash >> bloomShift) & ~3), BLOOM);
  return !(word & load<u32>(<usize>((hash & 0xff) << 2), MASKS));
}

/** 3 bits of 32 for each low byte of a hash, spread by a fixed xorshift. */
function fillMasks(): void {
  let x: u32 = 12345;
  for (let i: u32 = 0; i < 256; i++) {
    let mask: u32 = 0;
    while (popcnt<u32>(mask) < 3) {
      x ^= x << 13;
      x ^= x >> 17;
      x ^= x << 5;
      mask |= <u32>1 << (x >> 27);
    }
    store<u32>(<usize>(i << 2), mask, MASKS);
  }
}

@inline function sameStrong(record: usize, strong: usize): bool {
  // Two overlapping 8-byte comparisons cover every length from 8 to 16.
  const last = strongLength - 8;
  return load<u64>(record, 4) == load<u64>(strong) && load<u64>(record + last, 4) == load<u64>(strong + last);
}

function insert(index: u32): void {
  const record = recordAt(index);
  const weak = load<u32>(record);
  const hash = bswap<u32>(weak) * MULTIPLIER;
  const tag = tagOf(hash);
  let slot = slotOf(hash);
  for (let distance: u32 = 0; distance < MAX_DISTANCE; distance++) {
    const entry = table + (<usize>slot << 2);
    const other = load<u32>(entry);
    if (!other) {
      store<u32>(entry, tag | (index + 1));
      const word = <usize>((hash >> bloomShift) & ~3);
      store<u32>(word, load<u32>(word, BLOOM) & ~load<u32>(<usize>((hash & 0xff) << 2), MASKS), BLOOM);
      return;
    }
    if ((other & ~INDEX_MASK) == tag) {
      const present = recordAt((other & INDEX_MASK) - 1);
      if (load<u32>(present) == weak && sameStrong(present, record + 4)) return;
    }
    slot = (slot + 1) & slotMask;
  }
}

/**
 * Indexes the `count` records at SIGNATURE. The table takes 4 << slotBits bytes at `tableAddress`; slotBits is to make
 * that at least a third more slots than records.
 */
export function prepare(count: u32, blockBytes: u32, strongBytes: u32, tableAddress: usize, slotBits: u32): void {
  blockLength = blockBytes;
  blockCount = count;
  strongLength = strongBytes;
  stride = strongBytes + 4;
  table = tableAddress;
  slotMask = (<u32>1 << slotBits) - 1;
  const bloomBits = min<u32>(max<u32>(slotBits + 4, MIN_BLOOM_BITS), MAX_BLOOM_BITS);
  bloomShift = 35 - bloomBits;
  if (!load<u32>(MASKS)) fillMasks();
  memory.fill(table, 0, <usize>4 << slotBits);
  memory.fill(BLOOM, 0xff, <usize>1 << (bloomBits - 3));
  for (let i: u32 = 0; i < count; i++) insert(i);
}

/** Whether block `index` of the signature has this digest. */
@inline export function isBlock(index: u32, digest: usize): bool {
  return sameStrong(recordAt(index), digest);
}

/** Whether block `index` of the signature has this weak sum and, when it does, the bytes at `source`. */
export function matchesBlock(index: u32, source: usize, length: u32, weak: u32): bool {
  if (load<u32>(recordAt(index)) != bswap<u32>(weak)) return false;
  md4(source, length, DIGESTS);
  return isBlock(index, DIGESTS);
}

/** Where `lookUp` goes on: slots left to try and the slot that is next. */
let left: u32 = 0;
let next: u32 = 0;

/** The number of the next block with this weak sum in the table, or -1. */
function lookUp(weak: u32): i32 {
  const stored = bswap<u32>(weak);
  const tag = tagOf(weak * MULTIPLIER);
  while (left) {
    const entry = load<u32>(table + (<usize>next << 2));
    if (!entry) return -1;
    left--;
    next = (next + 1) & slotMask;
    if ((entry & ~INDEX_MASK) == tag) {
      const index = (entry & INDEX_MASK) - 1;
      if (load<u32>(recordAt(index)) == stored) return index;
    }
  }
  return -1;
}

function firstLookUp(weak: u32): i32 {
  left = MAX_DISTANCE;
  next = slotOf(weak * MULTIPLIER);
  return lookUp(weak);
}

/** Whether some block has this weak sum. */
export function isKnown(weak: u32): bool {
  return firstLookUp(weak) >= 0;
}

/** The number of a block with this weak sum and this digest, or -1. */
export function findDigest(weak: u32, digest: usize): i32 {
  let index = firstLookUp(weak);
  while (index >= 0 && !isBlock(index, digest)) index = lookUp(weak);
  return index;
}

/** The number of a block with this weak sum and the bytes at `source`, or -1. */
export function find(source: usize, length: u32, weak: u32): i32 {
  if (!isKnown(weak)) return -1;
  md4(source, length, DIGESTS);
  return findDigest(weak, DIGESTS);
}
