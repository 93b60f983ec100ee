import { LibrsyncError } from './errors.ts';

/** First word of a signature with the weak sum "rollsum" and the strong sum MD4. */
export const SIGNATURE_MAGIC = 0x72730136;
/** First word of every delta. */
export const DELTA_MAGIC = 0x72730236;
/** Magic, block length, strong length: three big endian words. */
export const SIGNATURE_HEADER_BYTES = 12;

export const MIN_BLOCK_LENGTH = 64;
export const MAX_BLOCK_LENGTH = 65536;
export const MIN_STRONG_LENGTH = 8;
export const MAX_STRONG_LENGTH = 16;

/** What a signature is made with. */
export interface SignatureParameters {
  /** Bytes a block: 64–65,536. Multiples of 64 are several times faster than others. */
  readonly blockLength: number;
  /** Bytes of the MD4 digest that are kept: 8–16. */
  readonly strongLength: number;
}

export const DEFAULT_PARAMETERS: SignatureParameters = Object.freeze({ blockLength: 2048, strongLength: 16 });

/** Delta commands: an opcode, then numbers in big endian of the width that the opcode says. */
export const OP_END = 0x00;
/** Opcodes 1–64 are literals of that many bytes. */
export const MAX_INLINE_LITERAL = 0x40;
/** Literal with a length of 1, 2, 4 or 8 bytes: 0x41–0x44. */
export const OP_LITERAL = 0x41;
/** Copy: 0x45 + 4 * (width class of the offset) + (width class of the length), up to 0x54. */
export const OP_COPY = 0x45;
export const LAST_COPY = 0x54;

/** Throws RANGE unless the parameters are within their limits. */
export function checkParameters({ blockLength, strongLength }: SignatureParameters): void {
  if (!Number.isInteger(blockLength) || blockLength < MIN_BLOCK_LENGTH || blockLength > MAX_BLOCK_LENGTH)
    throw new LibrsyncError('RANGE', `block length ${blockLength} is not within 64-65536`);
  if (!Number.isInteger(strongLength) || strongLength < MIN_STRONG_LENGTH || strongLength > MAX_STRONG_LENGTH)
    throw new LibrsyncError('RANGE', `strong sum length ${strongLength} is not within 8-16`);
}

/** Throws RANGE unless `size` is a whole number of bytes. */
export function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new LibrsyncError('RANGE', `${size} is not a file size`);
}

/** Bytes of the signature of a file of `size` bytes; 12, a header only, when it is empty. */
export function signatureLength(size: number, parameters: SignatureParameters = DEFAULT_PARAMETERS): number {
  checkParameters(parameters);
  checkSize(size);
  const blocks = Math.ceil(size / parameters.blockLength);
  return SIGNATURE_HEADER_BYTES + blocks * (4 + parameters.strongLength);
}

/** Writes the header of a signature to the start of `target`. */
export function writeSignatureHeader(target: Uint8Array, parameters: SignatureParameters): void {
  writeUint(target, 0, SIGNATURE_MAGIC, 4);
  writeUint(target, 4, parameters.blockLength, 4);
  writeUint(target, 8, parameters.strongLength, 4);
}

/** The parameters in a signature's first 12 bytes. Throws TRUNCATED, BAD_MAGIC or RANGE. */
export function readSignatureHeader(source: Uint8Array): SignatureParameters {
  if (source.length < SIGNATURE_HEADER_BYTES) throw new LibrsyncError('TRUNCATED', 'signature header is incomplete');
  const magic = readUint(source, 0, 4);
  if (magic !== SIGNATURE_MAGIC)
    throw new LibrsyncError('BAD_MAGIC', `0x${magic.toString(16).padStart(8, '0')} is not a rollsum and MD4 signature`);
  const parameters = { blockLength: readUint(source, 4, 4), strongLength: readUint(source, 8, 4) };
  checkParameters(parameters);
  return parameters;
}

/** 0, 1, 2, 3 for numbers that need 1, 2, 4, 8 bytes. */
export function widthClass(value: number): number {
  if (value < 0x100) return 0;
  if (value < 0x10000) return 1;
  return value < 0x100000000 ? 2 : 3;
}

/** Writes a big endian number of 1, 2, 4 or 8 bytes and returns the position behind it. */
export function writeUint(target: Uint8Array, at: number, value: number, width: number): number {
  let rest = value;
  for (let i = at + width - 1; i >= at; i--) {
    target[i] = rest % 0x100;
    rest = Math.floor(rest / 0x100);
  }
  return at + width;
}

/** Reads a big endian number; from 2^53 on it is rounded, still far beyond every size. */
export function readUint(source: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = at; i < at + width; i++) value = value * 0x100 + (source[i] as number);
  return value;
}

/** Bytes of a literal command without its data. */
export function literalHeaderLength(length: number): number {
  return length <= MAX_INLINE_LITERAL ? 1 : 1 + (1 << widthClass(length));
}

/** Bytes of a copy command. */
export function copyLength(offset: number, length: number): number {
  return 1 + (1 << widthClass(offset)) + (1 << widthClass(length));
}

/** Writes a literal command without its data and returns the position behind it. */
export function writeLiteralHeader(target: Uint8Array, at: number, length: number): number {
  if (length <= MAX_INLINE_LITERAL) {
    target[at] = length;
    return at + 1;
  }
  const width = widthClass(length);
  target[at] = OP_LITERAL + width;
  return writeUint(target, at + 1, length, 1 << width);
}

/** Writes a copy command and returns the position behind it. */
export function writeCopy(target: Uint8Array, at: number, offset: number, length: number): number {
  const offsetWidth = widthClass(offset);
  const lengthWidth = widthClass(length);
  target[at] = OP_COPY + 4 * offsetWidth + lengthWidth;
  const next = writeUint(target, at + 1, offset, 1 << offsetWidth);
  return writeUint(target, next, length, 1 << lengthWidth);
}
