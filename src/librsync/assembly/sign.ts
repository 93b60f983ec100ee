// Signature records: the weak sum, big endian, then the first `strongLength` bytes of the MD4 digest.
import { DIGESTS, SUMS, WINDOW_SLACK } from './layout';
import { md4 } from './md4';
import { md4Group } from './md4x4';
import { weakSum } from './rollsum';

function signOne(source: usize, length: u32, strongLength: u32, record: usize): void {
  store<u32>(record, bswap<u32>(weakSum(source, length)));
  md4(source, length, DIGESTS);
  memory.copy(record + 4, DIGESTS, strongLength);
}

/**
 * Writes the records of `bytes` bytes at `source` to `records`: of every block, and of a last shorter one. May write 16
 * records' room more than that, and may read WINDOW_SLACK bytes more than the source has.
 */
export function sign(source: usize, bytes: u32, blockLength: u32, strongLength: u32, records: usize): void {
  const stride = strongLength + 4;
  if (ASC_FEATURE_SIMD) {
    if (!(blockLength & 63)) {
      // Of a few blocks more are hashed than there are: still faster than one by one.
      const fewest: u32 = blockLength * 16 <= WINDOW_SLACK ? 2 : 16;
      while (bytes >= blockLength * fewest) {
        const full = bytes / blockLength;
        const blocks: u32 = full < 16 ? full : 16;
        // The weak sums first: they read straight on, and bring into the cache what the digests read in 16 places.
        for (let i: u32 = 0; i < blocks; i++) {
          store<u32>(SUMS + (i << 2), bswap<u32>(weakSum(source + i * blockLength, blockLength)));
        }
        md4Group(source, blockLength, blocks, records + 4, stride);
        for (let i: u32 = 0; i < blocks; i++) store<u32>(records + i * stride, load<u32>(SUMS + (i << 2)));
        source += blocks * blockLength;
        bytes -= blocks * blockLength;
        records += blocks * stride;
      }
    }
  }
  while (bytes) {
    const length: u32 = bytes < blockLength ? bytes : blockLength;
    signOne(source, length, strongLength, records);
    source += length;
    bytes -= length;
    records += stride;
  }
}
