import { readBracket } from './bracket.ts';

/**
 * A shell pattern as a row of tokens: a byte (>= 0), `?`, `*`, or a class of bytes (an index, counted down from `firstClass`).
 */
const anyByte = -1;
const star = -2;
const firstClass = -3;

const slash = 0x2f;

/** How far a pattern got with the beginning of a text. */
export interface Progress {
  /** The next token. */
  readonly token: number;
  /** The token after the last star passed, or -1; matching falls back to it. */
  readonly starToken: number;
  /** The text since that star, minus what it was found to have to swallow. */
  readonly tail: string;
}

/** Every continuation of the text matches, none does, or it depends. */
export type Advance = 'always' | 'never' | Progress;

export const start: Progress = { token: 0, starToken: -1, tail: '' };

/**
 * One compiled pattern in which `*` matches anything. Matching falls back to the last star only, which is enough: that star
 * can take over whatever an earlier one could have swallowed. So the cost is at most (length of text) × (longest piece
 * between stars), however many stars there are.
 */
export class Glob {
  /** The text that is the only one to match, when the pattern has no wildcard. */
  readonly literal: string | undefined;
  /** What follows the only star of a pattern `*literal`. */
  private readonly suffix: string | undefined;
  private readonly tokens: Int32Array;
  private readonly classes: readonly Uint8Array[];
  /** The literal after the last star, when that is a literal without a slash. */
  private readonly ending: string | undefined;
  private readonly lastStar: number;

  constructor(tokens: readonly number[], classes: readonly Uint8Array[]) {
    this.tokens = Int32Array.from(tokens);
    this.classes = classes;
    this.lastStar = tokens.lastIndexOf(star);
    const ending = literalOf(tokens.slice(this.lastStar + 1));
    this.literal = this.lastStar < 0 ? ending : undefined;
    this.suffix = this.lastStar === 0 ? ending : undefined;
    this.ending = ending?.includes('/') ? undefined : ending;
  }

  /** Does the whole text match? */
  matches(text: string): boolean {
    if (this.literal !== undefined) return text === this.literal;
    if (this.suffix !== undefined) return text.endsWith(this.suffix);
    return this.run(text, 0, 0, -1, false) === true;
  }

  /** Does the text, or what comes before one of its slashes, match? */
  matchesLeadingDirectory(text: string): boolean {
    return this.run(text, 0, 0, -1, true) === true;
  }

  /**
   * Goes on from `progress` over `part`. With `leading` a match is what it is in matchesLeadingDirectory, so that a slash
   * in `part` can settle it.
   */
  advance(progress: Progress, part: string, leading: boolean): Advance {
    const { tail, token, starToken } = progress;
    const result = this.run(tail + part, tail.length, token, starToken, leading, true);
    if (typeof result === 'boolean') return result ? 'always' : 'never';
    return result;
  }

  /** Does the text that `progress` is about, followed by `base` (without slashes), match? */
  finish({ tail, token, starToken }: Progress, base: string): boolean {
    if (starToken > this.lastStar && this.ending !== undefined) return base.endsWith(this.ending);
    return this.run(tail + base, tail.length, token, starToken, false) === true;
  }

  private run(text: string, at: number, token: number, fallBack: number, leading: boolean): boolean;
  private run(
    text: string,
    at: number,
    token: number,
    fallBack: number,
    leading: boolean,
    partial: true,
  ): boolean | Progress;
  private run(
    text: string,
    at: number,
    token: number,
    fallBack: number,
    leading: boolean,
    partial = false,
  ): boolean | Progress {
    const { tokens } = this;
    let retry = 0;
    for (;;) {
      if (token < tokens.length && tokens[token] === star) {
        fallBack = ++token;
        retry = at;
        if (token === tokens.length) return true;
      } else if (at === text.length) {
        if (partial) return { token, starToken: fallBack, tail: fallBack < 0 ? '' : text.slice(retry) };
        return token === tokens.length;
      } else if (token < tokens.length && this.accepts(tokens[token] as number, text.charCodeAt(at))) {
        token++;
        at++;
      } else if (token === tokens.length && leading && text.charCodeAt(at) === slash) {
        return true;
      } else if (fallBack >= 0) {
        token = fallBack;
        at = ++retry;
      } else {
        return false;
      }
    }
  }

  private accepts(token: number, byte: number): boolean {
    if (token >= 0) return token === byte;
    if (token === anyByte) return true;
    return (this.classes[firstClass - token] as Uint8Array)[byte] === 1;
  }
}

function literalOf(tokens: readonly number[]): string | undefined {
  return tokens.every((token) => token >= 0) ? tokens.map((token) => String.fromCharCode(token)).join('') : undefined;
}

/**
 * The pattern in the readings that it has: exactly one, but for some malformed bracket expressions, which end in different
 * places for different bytes, and none when it can match nothing (a backslash at the end).
 * With `segmented` each reading is cut at its slashes into globs for one path component each; else it is one glob.
 */
export function compile(pattern: string, segmented: boolean): readonly (readonly Glob[])[] {
  const done: Reading[] = [];
  const open: Reading[] = [{ at: 0, pieces: [[]], classes: [] }];
  for (let count = 0; count < mostReadings; count++) {
    const reading = open.pop();
    if (reading === undefined) break;
    if (readOn(pattern, reading, open, segmented)) done.push(reading);
  }
  return done.map(({ pieces, classes }) => pieces.map((piece) => new Glob(piece, classes)));
}

interface Reading {
  at: number;
  readonly pieces: number[][];
  readonly classes: Uint8Array[];
}

/** With more readings than this of one pattern the rest is left out: this only bounds the work on absurd patterns. */
const mostReadings = 64;

/** Reads to the end of the pattern; other readings that turn up go to `open`. False: this one can match nothing. */
function readOn(pattern: string, reading: Reading, open: Reading[], segmented: boolean): boolean {
  while (reading.at < pattern.length) {
    const piece = reading.pieces[reading.pieces.length - 1] as number[];
    const byte = pattern[reading.at++];
    if (byte === '*') {
      if (piece[piece.length - 1] !== star) piece.push(star);
    } else if (byte === '?') {
      piece.push(anyByte);
    } else if (byte === '[') {
      if (!pushBracket(pattern, reading, piece, open)) return false;
    } else if (byte === '\\') {
      if (reading.at === pattern.length) return false;
      const escaped = pattern.charCodeAt(reading.at++);
      // glibc looks for an escaped slash only among what the star before it may swallow, where there is none.
      if (segmented && escaped === slash && endsInStar(piece)) return false;
      pushByte(escaped, reading, piece, segmented);
    } else {
      pushByte(pattern.charCodeAt(reading.at - 1), reading, piece, segmented);
    }
  }
  return true;
}

/** A star, and `?` after it. */
function endsInStar(piece: readonly number[]): boolean {
  return piece[piece.findLastIndex((token) => token !== anyByte)] === star;
}

function pushByte(byte: number, reading: Reading, piece: number[], segmented: boolean): void {
  if (segmented && byte === slash) reading.pieces.push([]);
  else piece.push(byte);
}

function pushBracket(pattern: string, reading: Reading, piece: number[], open: Reading[]): boolean {
  const { closings, literal } = readBracket(pattern, reading.at);
  const outcomes: { next: number; bytes?: Uint8Array }[] = [...closings];
  if (literal) outcomes.push({ next: reading.at });
  const [first, ...others] = outcomes;
  for (const other of others) {
    const pieces = reading.pieces.map((tokens) => [...tokens]);
    const fork = { at: reading.at, pieces, classes: [...reading.classes] };
    pushOutcome(other, fork, pieces[pieces.length - 1] as number[]);
    open.push(fork);
  }
  if (first !== undefined) pushOutcome(first, reading, piece);
  return first !== undefined;
}

function pushOutcome(outcome: { next: number; bytes?: Uint8Array }, reading: Reading, piece: number[]): void {
  if (outcome.bytes === undefined) {
    piece.push(0x5b);
  } else {
    piece.push(firstClass - reading.classes.length);
    reading.classes.push(outcome.bytes);
  }
  reading.at = outcome.next;
}
