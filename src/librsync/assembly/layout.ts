// Where things lie in the linear memory. There is no runtime and no allocator: the host fills in what it wants done,
// calls, and takes the result out of the same memory. Addresses are fixed so that they fold into load displacements;
// pages that nobody touches cost nothing. What the host needs to know is exported from index.ts as WASM globals.

/** 256 words: the Bloom mask of each low byte of a hash. */
export const MASKS: u32 = 0x1000;
/** Eight Bloom word offsets, then eight mask offsets: what one vector step of the rolling search looks up. */
export const PROBES: u32 = 0x2000;
/** The eight weak sums of that step; the weak sums of up to 16 blocks. */
export const SUMS: u32 = 0x2040;
/** The transposed message words of up to 16 MD4 lanes: 4 sets of 16 vectors. */
export const MESSAGE: u32 = 0x4000;
/** Digests of up to 16 blocks. */
export const DIGESTS: u32 = 0x6000;

/** Matches found by one call of `scan`: RUN_BYTES each (position, first block, number of blocks). */
export const RUNS: u32 = 0x10000;
export const RUN_BYTES: u32 = 12;
export const MAX_RUNS: u32 = 4096;

/** Signature records made from one window, with room for a vector's overrun. */
export const RECORDS: u32 = 0x20000;

/** Blocks copied side by side, to be hashed together. */
export const GATHERED: u32 = RECORDS;
export const GATHERED_BYTES: u32 = 0x80000;
/** Position and weak sum of each of them, 8 bytes. */
export const CANDIDATES: u32 = 0x7000;

/** The Bloom filter: 2^MIN_BLOOM_BITS to 2^MAX_BLOOM_BITS bits. */
export const BLOOM: u32 = 0x100000;
export const MIN_BLOOM_BITS: u32 = 13;
export const MAX_BLOOM_BITS: u32 = 26;

/** Bytes of the file being worked on. Behind the window there is slack that may be read, never written. */
export const WINDOW: u32 = 0x900000;
export const WINDOW_BYTES: u32 = 0x120000;
export const WINDOW_SLACK: u32 = 0x20000;

/** The records of the signature being compared with, then the hash table over them. */
export const SIGNATURE: u32 = WINDOW + WINDOW_BYTES + WINDOW_SLACK;
