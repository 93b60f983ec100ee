import { posix } from 'node:path';
import type { Position } from './config.ts';
import { ConfigError } from './configError.ts';
import { whyNot } from './whyNot.ts';

/** Reads a whole file; `path` is a byte string, relative to the current directory unless absolute. Fails as node:fs does. */
export type ReadFile = (path: string) => Uint8Array;

/** The main file and ten more inside each other. */
const deepestInclude = 10;

/** The text of a configuration with its includes in place, and where each part of it comes from. */
export class Source {
  readonly text: string;
  private readonly pieces: readonly Piece[];

  private constructor(pieces: readonly Piece[]) {
    this.pieces = pieces;
    this.text = pieces.map((piece) => piece.text).join('');
  }

  /** Reads `path` and what it includes. Fails with ConfigError when a file cannot be read. */
  static read(path: string, read: ReadFile): Source {
    const pieces: Piece[] = [];
    append(pieces, new File(path, readMain(path, read)), read, 0);
    return new Source(pieces);
  }

  /** Where an offset in `text` stands in its file. */
  position(offset: number): Position {
    const piece = this.pieces[lastNotAfter(this.pieces, offset, (one) => one.offset)] as Piece;
    return piece.file.position(piece.from + offset - piece.offset);
  }

  error(reason: string, offset: number, cause?: unknown): ConfigError {
    const piece = this.pieces[lastNotAfter(this.pieces, offset, (one) => one.offset)] as Piece;
    return piece.file.error(reason, piece.from + offset - piece.offset, cause);
  }
}

/** A part of a file, as it stands in the text put together. */
interface Piece {
  readonly file: File;
  /** Offset of this part in its file. */
  readonly from: number;
  /** Offset of this part in the whole text. */
  readonly offset: number;
  readonly text: string;
}

class File {
  readonly path: string;
  readonly text: string;
  private lineStarts: readonly number[] | undefined;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  position(offset: number): Position {
    this.lineStarts ??= [0, ...Array.from(this.text.matchAll(/\n/g), ({ index }) => index + 1)];
    const line = lastNotAfter(this.lineStarts, offset, (start) => start);
    return { file: this.path, line: line + 1, column: offset - (this.lineStarts[line] as number) + 1 };
  }

  error(reason: string, offset: number, cause?: unknown): ConfigError {
    const position = this.position(offset);
    const start = offset - position.column + 1;
    const end = this.text.indexOf('\n', start);
    const line = this.text.slice(start, end < 0 ? undefined : end).replace(/\r$/, '');
    return new ConfigError(reason, position, line, { cause });
  }
}

/** Index of the last element whose offset is at most `offset`; elements are in order and the first is at 0. */
function lastNotAfter<Element>(elements: readonly Element[], offset: number, at: (one: Element) => number): number {
  let low = 0;
  let high = elements.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at(elements[middle] as Element) <= offset) low = middle;
    else high = middle;
  }
  return low;
}

function append(pieces: Piece[], file: File, read: ReadFile, depth: number): void {
  let from = 0;
  for (const include of includesOf(file.text)) {
    push(pieces, file, from, file.text.slice(from, include.from));
    if (include.path !== undefined) {
      if (depth === deepestInclude) throw file.error('Config includes nested too deeply.', include.from);
      append(pieces, readIncluded(include.path, file, include.from, read), read, depth + 1);
    }
    from = include.to;
  }
  // The line break keeps the end of an included file, a comment or a word, apart from what follows it.
  push(pieces, file, from, file.text.slice(from) + '\n');
}

function push(pieces: Piece[], file: File, from: number, text: string): void {
  const last = pieces[pieces.length - 1];
  pieces.push({ file, from, offset: last === undefined ? 0 : last.offset + last.text.length, text });
}

function readMain(path: string, read: ReadFile): string {
  try {
    return latin1(read(path));
  } catch (cause) {
    const reason = `Can not open config file \`${path}': ${whyNot(cause)}`;
    throw new ConfigError(reason, { file: path, line: 0, column: 0 }, undefined, { cause });
  }
}

/** A relative path is tried from the current directory, then from that of the including file. */
function readIncluded(path: string, from: File, offset: number, read: ReadFile): File {
  const beside = posix.join(posix.dirname(from.path), path);
  let failure: unknown;
  for (const candidate of posix.isAbsolute(path) || beside === path ? [path] : [path, beside]) {
    try {
      return new File(candidate, latin1(read(candidate)));
    } catch (cause) {
      failure ??= cause;
    }
  }
  throw from.error(`Can't open included config file '${path}': ${whyNot(failure)}`, offset, failure);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

interface Include {
  /** Of the whole statement. */
  readonly from: number;
  readonly to: number;
  /** Undefined for `config;`, which does nothing. */
  readonly path: string | undefined;
}

const token = /[ \t\r\n]+|#[^\n]*|"[^"]*"?|[@;()]|(?::*[^:@;()#" \t\r\n])+|:/y;
const argument = /[ \t\r\n]*(?:"([^"]*)"|([^ \t\r\n;"]+))?[ \t\r\n]*;?/y;

/** Every `config FILE;` that stands where a statement can begin, in a group or outside. */
function* includesOf(text: string): Generator<Include> {
  if (!text.includes('config')) return;
  let beginsStatement = true;
  for (let at = 0; at < text.length;) {
    token.lastIndex = at;
    const found = (token.exec(text) as RegExpExecArray)[0];
    const from = at;
    at += found.length;
    if (found === 'config' && beginsStatement) {
      argument.lastIndex = at;
      const [whole, quoted, bare] = argument.exec(text) as RegExpExecArray;
      at += whole.length;
      yield { from, to: at, path: quoted ?? bare };
    } else if (!/^[ \t\r\n#]/.test(found)) {
      beginsStatement = found === ';' || found === '{' || found === '}';
    }
  }
}
