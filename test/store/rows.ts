import assert from 'node:assert/strict';

import type { Encoded } from '../../src/bytes/bytes.ts';
import {
  allNames,
  type Change,
  type DirtyQuery,
  type DirtyRow,
  type NameRange,
  type Store,
} from '../../src/store/store.ts';

export const enc = (text: string): Encoded => text as Encoded;

export const put = (name: string, checktxt = 'v1'): Change => ({
  type: 'putFile',
  name: enc(name),
  checktxt: enc(checktxt),
});

export const mark = (name: string, peer = 'beta', forced = false): Change => ({
  type: 'markDirty',
  name: enc(name),
  peer: enc(peer),
  myname: enc('alpha'),
  forced,
});

export const clear = (name: string, peer: string, ifFile?: string | null): Change => ({
  type: 'clearDirty',
  name: enc(name),
  peer: enc(peer),
  ...(ifFile === undefined ? {} : { ifFile: ifFile === null ? null : enc(ifFile) }),
});

/** All file rows of a range as [name, checktxt] pairs. */
export async function fileList(store: Store, range: NameRange = allNames): Promise<[string, string][]> {
  const rows: [string, string][] = [];
  for await (const page of store.files(range)) {
    assert.equal(page.names.length, page.checktxts.length);
    page.names.forEach((name, at) => rows.push([name, page.checktxts[at] as string]));
  }
  return rows;
}

/** The same rows as one text. */
export async function lineText(store: Store, range: NameRange): Promise<string> {
  let text = '';
  for await (const lines of store.fileLines(range)) {
    assert.notEqual(lines, '');
    text += lines;
  }
  return text;
}

export async function nameList(store: Store, range: NameRange = allNames): Promise<string[]> {
  return (await fileList(store, range)).map(([name]) => name);
}

export async function dirtyList(store: Store, query: DirtyQuery = {}): Promise<DirtyRow[]> {
  const rows: DirtyRow[] = [];
  for await (const page of store.dirty(query)) rows.push(...page);
  return rows;
}

export async function dirtyKeys(store: Store, query: DirtyQuery = {}): Promise<string[]> {
  return (await dirtyList(store, query)).map((row) => `${row.name} ${row.peer}`);
}

/** 4,000 bytes that no compression shortens much. */
function longName(seed: number): string {
  let state = seed;
  let name = '/r/';
  while (name.length < 4000) {
    state = (state * 1103515245 + 12345) % 2147483648;
    name += String.fromCharCode(0x30 + ((state >> 16) % 10), 0x61 + ((state >> 20) % 26), 0x80 + ((state >> 12) % 128));
  }
  return name;
}

/** Names that a text comparison, a collation, a padded comparison or a short index would confuse or put in another order. */
export const trickyNames: readonly string[] = [
  '/',
  '/a',
  '/A',
  '/a!',
  '/a-b',
  '/a.txt',
  '/a/x',
  '/a0',
  '/ab',
  '/B',
  '/b',
  '/a%20',
  '/a%20%20',
  '/a%0A',
  '/_',
  '/%5C',
  '/caf\xe9',
  '/caf\xc3\xa9',
  '/cafe',
  '/cafe\xcc\x81',
  '/stra\xc3\x9fe',
  '/strasse',
  '/\xff\xfe',
  '/\x80',
  '/\xc3',
  '/\xc3\xa9\xe9',
  '/\xed\xa0\x80',
  '/\xf0\x9f\x98\x80',
  '/\xef\xbf\xbd',
  '/long' + 'x'.repeat(4000),
  '/long' + 'x'.repeat(4000) + '1',
  '/long' + 'x'.repeat(4000) + '2',
  '/long' + 'x'.repeat(3994) + '\xe9',
  longName(1),
  longName(2) + 'a',
  longName(2) + 'A',
  '%25home%25/bob',
  '%25home%25',
];

export const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A test on a store in an empty database. */
export type OnStore = (name: string, body: (store: Store) => Promise<void>) => void;

/** Rows in the tests of more than one page, and in those of large batches. */
export interface ContractSize {
  readonly pages: number;
  readonly batch: number;
}
