// Trees to measure on: the same names, sizes and contents for the same seed, like a directory of programs and documents.
import { closeSync, mkdirSync, openSync, symlinkSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A small generator of pseudo-random numbers (mulberry32): integers `0 <= x < limit`. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

export function randomBytes(length, random) {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i++) words[i] = random(2 ** 32);
  return Buffer.from(words.buffer, 0, length);
}

const stems = [
  'index',
  'main',
  'README',
  'table',
  'lib',
  'chapter',
  'photo',
  'report',
  'test',
  'a-rather-long-name-of-a',
];
const endings = ['.js', '.ts', '.txt', '.h', '.map', '.md', '', '.tar.gz', '.json', '.png'];
/** Every so many names, one that the URL encoding has to change. */
const oddNameEvery = 97;
const linkEvery = 211;

/**
 * Makes `directory` (which must not exist) and in it `files` files in `directories` directories.
 * Most files are small and some are large.
 */
export function makeTree(directory, { files, directories, meanSize = 10_900, seed = 1 }) {
  const random = randomNumbers(seed);
  const pool = randomBytes(4 << 20, random);
  const places = makeDirectories(directory, directories, random);
  for (let i = 0; i < files; i++) {
    const odd = i % oddNameEvery === 0 ? ' %\u00e4' : '';
    const name = `${stems[random(stems.length)]}${odd}-${i}${endings[random(endings.length)]}`;
    const path = join(places[random(places.length)], name);
    if (i % linkEvery === 0) symlinkSync(`../${stems[random(stems.length)]}`, path);
    else writeFile(path, pool, sizeOf(meanSize, random), random);
  }
}

function makeDirectories(directory, count, random) {
  mkdirSync(directory);
  const places = [directory];
  while (places.length < count) {
    const path = join(places[random(places.length)], `${stems[random(stems.length)]}.${places.length}`);
    mkdirSync(path);
    places.push(path);
  }
  return places;
}

/** Exponential: half of the files have less than 0.7 times the mean. */
function sizeOf(meanSize, random) {
  return Math.floor(Math.log(1 / (1 - random(1e6) / 1e6)) * meanSize);
}

function writeFile(path, pool, size, random) {
  const fd = openSync(path, 'w', random(8) === 0 ? 0o755 : 0o644);
  const offset = random(pool.length - size);
  writeSync(fd, pool, offset, size);
  closeSync(fd);
  const time = 1_600_000_000 + random(100_000_000);
  utimesSync(path, time, time);
}

/** One file of `size` bytes that does not compress. */
export function makeLargeFile(path, size, seed = 2) {
  const random = randomNumbers(seed);
  const piece = randomBytes(8 << 20, random);
  const fd = openSync(path, 'w');
  for (let done = 0; done < size; done += piece.length) {
    // Each piece is another one, without the time that so many random numbers would take.
    piece.writeBigUInt64LE(BigInt(done), random(piece.length - 8));
    for (let i = 0; i < 256; i++) piece[i * 32749 + (done % 97)] = random(256);
    writeSync(fd, piece, 0, Math.min(piece.length, size - done));
  }
  closeSync(fd);
}

/** Overwrites a few bytes at `count` places. */
export function editFile(path, size, count, seed = 3) {
  const random = randomNumbers(seed);
  const fd = openSync(path, 'r+');
  for (let i = 0; i < count; i++) {
    const edit = randomBytes(1 + random(60), random);
    writeSync(fd, edit, 0, edit.length, random(size - edit.length));
  }
  closeSync(fd);
}
