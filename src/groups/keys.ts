import type { GroupConfig } from '../config/config.ts';
import { whyNot } from '../config/whyNot.ts';
import { KeyError } from './cluster.ts';

/** Reads a key file; `path` is an absolute byte string. Fails as node:fs does. */
export type ReadKey = (path: string) => Uint8Array;

const shortestKey = 32;

/** Where the key of a group is. */
export function keyPath({ keyFile }: GroupConfig, systemDirectory: string): string {
  return keyFile.startsWith('/') ? keyFile : `${systemDirectory}/${keyFile}`;
}

/** The key of a group: the first line of its key file. Fails with KeyError. */
export function groupKey(group: GroupConfig, systemDirectory: string, read: ReadKey): string {
  const path = keyPath(group, systemDirectory);
  const { keyPosition } = group;
  const place = `${keyPosition.file}:${keyPosition.line}:${keyPosition.column}`;
  const key = firstLine(path, place, read);
  if (key.length < shortestKey) throw new KeyError(`${place}: Key in file ${path} is too short.`);
  const unallowed = /[^A-Za-z0-9._]/.exec(key);
  if (unallowed !== null) {
    throw new KeyError(`${place}: Unallowed character '${shown(unallowed[0])}' in key file ${path}.`);
  }
  return key;
}

function firstLine(path: string, place: string, read: ReadKey): string {
  try {
    const bytes = read(path);
    const end = bytes.indexOf(0x0a);
    return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1');
  } catch (cause) {
    throw new KeyError(`${place}: Can't read keyfile ${path}. (${whyNot(cause)})`, { cause });
  }
}

function shown(character: string): string {
  return character < ' ' || character === '\x7f' ? JSON.stringify(character).slice(1, -1) : character;
}

/** Takes as long for any two keys of these lengths, wherever they differ. */
export function isSameKey(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ (other.charCodeAt(at) || 0);
  return difference === 0;
}
