/** Signatures, deltas and patches in the formats of librsync (rollsum and MD4). See README.md beside this file. */
export { DeltaPlan } from './delta.ts';
export { LibrsyncError, type LibrsyncErrorCode } from './errors.ts';
export { DEFAULT_PARAMETERS, readSignatureHeader, signatureLength, type SignatureParameters } from './format.ts';
export { Patcher, type PatchOptions } from './patch.ts';
export { deltaFile, planDelta, planDeltaSync } from './planner.ts';
export { matchesSignature, signBytes, signFile } from './signature.ts';
export {
  EMPTY_SIGNATURE,
  emptySignature,
  parseSignature,
  Signature,
  SignatureReader,
  type SignatureReaderOptions,
} from './signatureReader.ts';
export { matchesSignatureChunks, signatureChunks, type ChunkOptions } from './signatureChunks.ts';
