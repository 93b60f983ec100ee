import type { Random } from '../harness/random.ts';

const numbers = [
  '0',
  '-1',
  '1',
  '255',
  '65536',
  '2147483647',
  '2147483648',
  '-2147483649',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
  '18446744073709551616',
  '1e9',
  '0x10',
  '00',
  '9'.repeat(40),
];
const fragments = [
  '\0',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '%',
  '%0',
  '%00',
  '%2e%2E',
  '..',
  '/',
  '//',
  '"',
  '{',
  '}',
  ';',
  ':',
  '\xff',
  '\xa0',
];

export function noise(rng: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) bytes[at] = rng.below(256);
  return bytes;
}

/** `input` with up to six random changes; more often few than many, sometimes none. */
export function mutate(input: Buffer, rng: Random): Buffer {
  let bytes = input;
  for (let changes = rng.below(1 + rng.below(7)); changes > 0; changes--) bytes = change(bytes, rng);
  return bytes.subarray(0, longest);
}

const longest = 64 << 10;

function change(bytes: Buffer, rng: Random): Buffer {
  const at = rng.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + rng.below(rng.pick([2, 8, 64])));
  const replace = (middle: Buffer): Buffer => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(end)]);
  const insert = (middle: Buffer): Buffer => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(at)]);
  const part = bytes.subarray(at, end);
  switch (rng.below(9)) {
    case 0:
      return replace(Buffer.alloc(0));
    case 1:
      return replace(noise(rng, end - at));
    case 2:
      return insert(noise(rng, 1 + rng.below(8)));
    case 3:
      return insert(Buffer.from(rng.pick(fragments), 'latin1'));
    case 4:
      return insert(Buffer.concat(Array.from({ length: 1 + rng.below(rng.pick([3, 200])) }, () => part)));
    case 5:
      return bytes.subarray(0, at);
    case 6:
      return insert(bytes.subarray(rng.below(bytes.length + 1)).subarray(0, 100));
    case 7:
      return withNumber(bytes, at, rng);
    default:
      return flipped(bytes, at, rng);
  }
}

/** The next decimal number becomes another. */
function withNumber(bytes: Buffer, at: number, rng: Random): Buffer {
  const text = bytes.toString('latin1');
  return Buffer.from(text.slice(0, at) + text.slice(at).replace(/-?\d+/, () => rng.pick(numbers)), 'latin1');
}

function flipped(bytes: Buffer, at: number, rng: Random): Buffer {
  if (bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  const where = Math.min(at, copy.length - 1);
  copy[where] = (copy[where] as number) ^ (1 << rng.below(8));
  return copy;
}
