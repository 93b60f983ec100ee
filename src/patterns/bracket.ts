/**
 * Bracket expressions (`[a-z]`, `[!0-9]`, `[[:alpha:]_]`) as fnmatch(3) of glibc 2.36 reads them in the C locale, where a
 * character is a byte and ranges follow byte order.
 *
 * glibc reads an expression anew for every character that it tests, and stops reading at the first item that matches; the
 * rest is then skipped by slightly laxer rules. For a well-formed expression that makes no difference. For a malformed one
 * the outcome can depend on the byte, so it is worked out here for every byte, once, when a pattern is compiled.
 */
export interface Bracket {
  /** For each position after the expression the bytes that lead there; one entry unless the expression is malformed. */
  readonly closings: readonly { readonly next: number; readonly bytes: Uint8Array }[];
  /** The expression never ends, and `[` stands for itself. */
  readonly literal: boolean;
}

/** Reading went on to an end (position after `]`), to the end of the pattern, or hit something that can never match. */
type End = number | 'open' | 'never';

/** The bytes from `from` to `to`, of a class only those that belong to it. */
interface Item {
  readonly from: number;
  readonly to: number;
  readonly holds?: (byte: number) => boolean;
  /** Where reading goes on after this item. */
  readonly after: number;
  /** A byte that does not match fails here whatever follows: the pattern ends where the other end of a range should stand. */
  readonly last?: boolean;
}

/** `at` is the position after `[`. */
export function readBracket(pattern: string, at: number): Bracket {
  const negated = pattern[at] === '!' || pattern[at] === '^';
  const { items, end } = readItems(pattern, negated ? at + 1 : at);
  const outcomes = new Array<End>(256).fill(end);
  const inside = new Uint8Array(256);
  for (const item of items) {
    let rest: End | undefined;
    for (let byte = item.from; byte <= item.to; byte++) {
      if (inside[byte] === 1 || item.holds?.(byte) === false) continue;
      inside[byte] = 1;
      outcomes[byte] = rest ??= skipRest(pattern, item.after);
    }
  }
  return gather(outcomes, inside, negated);
}

function gather(outcomes: readonly End[], inside: Uint8Array, negated: boolean): Bracket {
  const closings = new Map<number, Uint8Array>();
  for (const [byte, outcome] of outcomes.entries()) {
    if (typeof outcome === 'number' && (inside[byte] === 1) !== negated) bytesTo(closings, outcome)[byte] = 1;
  }
  const literal = outcomes[0x5b] === 'open';
  return { closings: [...closings].map(([next, bytes]) => ({ next, bytes })), literal };
}

function bytesTo(closings: Map<number, Uint8Array>, next: number): Uint8Array {
  let bytes = closings.get(next);
  if (bytes === undefined) closings.set(next, (bytes = new Uint8Array(256)));
  return bytes;
}

/** The items up to the closing bracket; a `]` that comes first is an item. */
function readItems(pattern: string, start: number): { items: Item[]; end: End } {
  const items: Item[] = [];
  let at = start;
  for (;;) {
    if (at >= pattern.length) return { items, end: 'open' };
    if (pattern[at] === ']' && at > start) return { items, end: at + 1 };
    const item = readClass(pattern, at) ?? readEquivalent(pattern, at) ?? readRange(pattern, at);
    if (item === 'never') return { items, end: 'never' };
    items.push(item);
    if (item.last) return { items, end: 'never' };
    at = item.after;
  }
}

/** `[:name:]`. A name of other characters than a–y is none, and `[` stands for itself; an unknown name never matches. */
function readClass(pattern: string, at: number): Item | 'never' | undefined {
  const name = className(pattern, at);
  if (name === undefined) return undefined;
  const holds = classes[name];
  return holds === undefined ? 'never' : { from: 0, to: 255, holds, after: at + name.length + 4 };
}

function className(pattern: string, at: number): string | undefined {
  if (pattern[at] !== '[' || pattern[at + 1] !== ':') return undefined;
  let to = at + 2;
  while (isClassLetter(pattern.charCodeAt(to))) to++;
  return pattern[to] === ':' && pattern[to + 1] === ']' ? pattern.slice(at + 2, to) : undefined;
}

/** False for NaN, the character behind the end. */
function isClassLetter(byte: number): boolean {
  return byte >= 0x61 && byte < 0x7a;
}

/** `[=x=]`: in the C locale just x. Otherwise `[` stands for itself. */
function readEquivalent(pattern: string, at: number): Item | undefined {
  if (pattern[at] !== '[' || pattern[at + 1] !== '=') return undefined;
  if (at + 2 >= pattern.length || pattern[at + 3] !== '=' || pattern[at + 4] !== ']') return undefined;
  const own = pattern.charCodeAt(at + 2);
  return { from: own, to: own, after: at + 5 };
}

/** A byte, escaped byte or `[.x.]`, alone or as the start of a range. */
function readRange(pattern: string, at: number): Item | 'never' {
  const low = readElement(pattern, at);
  if (low === 'never') return 'never';
  const { byte: from, after } = low;
  if (pattern[after] !== '-' || pattern[after + 1] === ']') return { from, to: from, after };
  if (after + 1 === pattern.length) return { from, to: from, after, last: true };
  const high = readElement(pattern, after + 1);
  if (high === 'never') return 'never';
  return { from, to: high.byte, after: high.after };
}

function readElement(pattern: string, at: number): { byte: number; after: number } | 'never' {
  if (pattern[at] === '[' && pattern[at + 1] === '.') {
    const to = pattern.indexOf('.]', at + 2);
    // In the C locale a collating symbol is one byte; its names (`[.space.]`) are unknown.
    return to - at === 3 ? { byte: pattern.charCodeAt(at + 2), after: to + 2 } : 'never';
  }
  const escaped = pattern[at] === '\\' ? at + 1 : at;
  if (escaped >= pattern.length) return 'never';
  return { byte: pattern.charCodeAt(escaped), after: escaped + 1 };
}

/** From behind the item that matched to behind the closing bracket. */
function skipRest(pattern: string, from: number): End {
  let at = from;
  while (at < pattern.length) {
    const two = pattern.slice(at, at + 2);
    if (two === '[.') {
      const to = pattern.indexOf('.]', at + 2);
      if (to < 0) return 'never';
      at = to + 2;
    } else if (two === '[=') {
      if (at + 2 >= pattern.length || pattern[at + 3] !== '=' || pattern[at + 4] !== ']') return 'never';
      at += 5;
    } else if (two === '[:') {
      const name = className(pattern, at);
      at += name === undefined ? 1 : name.length + 4;
    } else if (pattern[at] === '\\') {
      if (at + 1 >= pattern.length) return 'never';
      at += 2;
    } else if (pattern[at] === ']') {
      return at + 1;
    } else {
      at++;
    }
  }
  return 'open';
}

const between = (low: number, high: number) => (byte: number) => low <= byte && byte <= high;
const upper = between(0x41, 0x5a);
const lower = between(0x61, 0x7a);
const digit = between(0x30, 0x39);
const graph = between(0x21, 0x7e);
const alpha = (byte: number): boolean => upper(byte) || lower(byte);
const alnum = (byte: number): boolean => alpha(byte) || digit(byte);

/** The character classes of the C locale: ASCII only. */
const classes: Readonly<Record<string, (byte: number) => boolean>> = Object.assign(
  Object.create(null) as Record<string, (byte: number) => boolean>,
  {
    upper,
    lower,
    digit,
    graph,
    alpha,
    alnum,
    print: between(0x20, 0x7e),
    punct: (byte: number) => graph(byte) && !alnum(byte),
    cntrl: (byte: number) => byte < 0x20 || byte === 0x7f,
    blank: (byte: number) => byte === 0x20 || byte === 0x09,
    space: (byte: number) => byte === 0x20 || between(0x09, 0x0d)(byte),
    xdigit: (byte: number) => digit(byte) || between(0x41, 0x46)(byte) || between(0x61, 0x66)(byte),
  },
);
