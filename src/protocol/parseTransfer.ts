import type { FileName } from '../bytes/bytes.ts';
import { decode } from '../bytes/urlEncoding.ts';
import type { Attributes, TransferCommand, WantedObject } from './commands.ts';
import { isContentDigest } from './contentDigest.ts';
import { isTarget } from './names.ts';
import { largestDevice, largestId, largestMode, parseInteger } from './numbers.ts';

/** Words of a request after the file name, still encoded. */
type Words = readonly (string | undefined)[];

/** The rest of XSET, XPUT or XDEL, `longestTarget` in bytes; a string names the argument that is wrong. */
export function parseTransfer(
  name: TransferCommand['name'],
  key: string,
  file: FileName,
  words: Words,
  longestTarget: number,
): TransferCommand | string {
  if (words[0] !== 'check' && words[0] !== 'force') return 'check or force';
  const force = words[0] === 'force';
  if (name === 'XDEL') return { name, key, file, force };
  const attributes = parseAttributes(words);
  if (typeof attributes === 'string') return attributes;
  if (name === 'XPUT') return { name, key, file, force, attributes };
  const object = parseObject(words[6], words[7], words[8], longestTarget);
  return typeof object === 'string' ? object : { name, key, file, force, attributes, object };
}

function parseAttributes(words: Words): Attributes | string {
  const mode = parseInteger(words[1], 0, largestMode);
  if (mode === undefined) return 'mode';
  const uid = parseInteger(words[2], 0, largestId);
  const gid = parseInteger(words[3], 0, largestId);
  if (uid === undefined || gid === undefined) return 'uid and gid';
  const mtime = parseInteger(words[4], Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const mtimeNanoseconds = parseInteger(words[5], 0, 999_999_999);
  if (mtime === undefined || mtimeNanoseconds === undefined) return 'time';
  return { mode, uid, gid, mtime, mtimeNanoseconds };
}

function parseObject(
  kind: string | undefined,
  first: string | undefined,
  second: string | undefined,
  longestTarget: number,
): WantedObject | string {
  switch (kind) {
    case 'dir':
    case 'fifo':
      return { kind };
    case 'reg': {
      const size = parseInteger(first, 0, Number.MAX_SAFE_INTEGER);
      if (size === undefined) return 'size';
      return second !== undefined && isContentDigest(second) ? { kind, size, digest: second } : 'digest';
    }
    case 'lnk': {
      const target = decode(first ?? '');
      return isTarget(target, longestTarget) ? { kind, target } : 'target';
    }
    case 'chr':
    case 'blk': {
      const device = parseInteger(first, 0, largestDevice);
      return device === undefined ? 'device number' : { kind, device };
    }
    case undefined:
    default:
      return 'kind';
  }
}
