import { decode } from '../bytes/urlEncoding.ts';
import type { Command, CommandName, FileCommand, PlainFileCommand, Refusal } from './commands.ts';
import { isTarget, longestName, validateName } from './names.ts';
import { largestDevice, largestId, largestMode, parseInteger } from './numbers.ts';
import { parseTransfer } from './parseTransfer.ts';
import { badArgument, replies, tooManyArguments } from './replies.ts';

/** What one request may ask of us. */
export interface RequestLimits {
  /** Bytes of a name or of the target of a link, decoded. */
  readonly path: number;
  /** Words after the first; also entries of the list of GROUP. */
  readonly arguments: number;
}

/** Keys have at least 32 characters, so not even a LIST with as many as a line holds comes to half of these arguments. */
export const defaultRequestLimits: RequestLimits = { path: longestName, arguments: 1024 };

/** Words of a request after its first, still encoded. */
type Words = readonly (string | undefined)[];
type Parse = (words: Words, limits: RequestLimits) => Command | Refusal;

const configName = /^[a-z0-9]*$/;
/** Anything but single spaces between words: tabs, runs of blanks, blanks at the ends. */
const irregularBlanks = /[\t\r\v\f]|^ | $| {2}/;
const blanks = /[ \t\r\v\f]+/;

const parsers: { readonly [name in CommandName]: Parse } = {
  SSL: () => ({ name: 'SSL' }),
  BYE: () => ({ name: 'BYE' }),
  SYNC: () => ({ name: 'SYNC' }),
  CONFIG: ([config = '']) =>
    configName.test(config) ? { name: 'CONFIG', config } : refuse('CONFIG', replies.badConfigName),
  GROUP: parseGroups,
  CAPS: (extensions) => ({ name: 'CAPS', extensions: extensions.map((word) => decode(word ?? '')) }),
  HELLO: ([host = '']) => ({ name: 'HELLO', host: decode(host) }),
  LIST: parseList,

  SIG: plain('SIG'),
  MARK: plain('MARK'),
  TYPE: plain('TYPE'),
  GETTM: plain('GETTM'),
  GETSZ: plain('GETSZ'),
  FLUSH: plain('FLUSH'),
  DEL: plain('DEL'),
  PATCH: plain('PATCH'),
  MKDIR: plain('MKDIR'),
  MKFIFO: plain('MKFIFO'),
  MKSOCK: plain('MKSOCK'),

  MKCHR: (words, limits) => parseDevice('MKCHR', words, limits),
  MKBLK: (words, limits) => parseDevice('MKBLK', words, limits),
  MKLINK: parseLink,
  SETOWN: parseOwner,
  SETMOD: parseMode,
  SETIME: parseTime,

  XSET: (words, limits) => parseTransferOf('XSET', words, limits),
  XPUT: (words, limits) => parseTransferOf('XPUT', words, limits),
  XDEL: (words, limits) => parseTransferOf('XDEL', words, limits),
};

const parserByName = new Map<string, Parse>(Object.entries(parsers));

/**
 * Reads one request line (without newline): the command's name in any case, then URL-encoded arguments between blanks.
 * Surplus arguments are ignored, file names are validated; whatever is wrong comes back as a Refusal. The line must
 * not be empty.
 */
export function parseCommand(line: string, limits = defaultRequestLimits): Command | Refusal {
  const words = irregularBlanks.test(line) ? line.split(blanks).filter(notEmpty) : line.split(' ');
  const word = words.shift() ?? '';
  const parse = parserByName.get(word) ?? parserByName.get(word.toUpperCase());
  if (parse === undefined) return refuse(undefined, replies.unknownCommand);
  if (words.length > limits.arguments)
    return refuse(word.toUpperCase() as CommandName, tooManyArguments(limits.arguments));
  return parse(words, limits);
}

/** True for lines that a server skips without an answer. */
export function isBlank(line: string): boolean {
  return line === '' || line.split(blanks).every((word) => word === '');
}

function notEmpty(word: string): boolean {
  return word !== '';
}

function refuse(command: CommandName | undefined, reply: string): Refusal {
  return { name: 'refused', command, reply };
}

/** The validated file name of a request whose words are `key file …`. */
function fileOf(words: Words, { path }: RequestLimits): ReturnType<typeof validateName> {
  return words[1] === undefined ? undefined : validateName(decode(words[1]), path);
}

function keyOf(words: Words): string {
  return decode(words[0] ?? '');
}

function plain(name: PlainFileCommand): Parse {
  return (words, limits) => {
    const file = fileOf(words, limits);
    return file === undefined ? refuse(name, replies.denied) : { name, key: keyOf(words), file };
  };
}

function parseGroups([list = '']: Words, limits: RequestLimits): Command | Refusal {
  const groups = decode(list).split(',').filter(notEmpty);
  return groups.length > limits.arguments
    ? refuse('GROUP', tooManyArguments(limits.arguments))
    : { name: 'GROUP', groups };
}

function parseList([peer = '', name, ...keys]: Words, { path }: RequestLimits): Command | Refusal {
  const rest = { name: 'LIST', peer: decode(peer), keys: keys.map((key) => decode(key ?? '')) } as const;
  if (name === undefined || name === '-') return { ...rest, file: undefined };
  const file = validateName(decode(name), path);
  return file === undefined ? refuse('LIST', replies.denied) : { ...rest, file };
}

function parseDevice(name: 'MKCHR' | 'MKBLK', words: Words, limits: RequestLimits): FileCommand | Refusal {
  const file = fileOf(words, limits);
  if (file === undefined) return refuse(name, replies.denied);
  const device = parseInteger(words[2], 0, largestDevice);
  if (device === undefined && words[2] !== undefined) return refuse(name, badArgument(name, 'device number'));
  return { name, key: keyOf(words), file, device };
}

function parseLink(words: Words, limits: RequestLimits): FileCommand | Refusal {
  const file = fileOf(words, limits);
  if (file === undefined) return refuse('MKLINK', replies.denied);
  const target = decode(words[2] ?? '');
  if (!isTarget(target, limits.path)) return refuse('MKLINK', badArgument('MKLINK', 'target'));
  return { name: 'MKLINK', key: keyOf(words), file, target };
}

function parseOwner(words: Words, limits: RequestLimits): FileCommand | Refusal {
  const file = fileOf(words, limits);
  if (file === undefined) return refuse('SETOWN', replies.denied);
  const uid = parseInteger(words[2], -0x8000_0000, largestId);
  const gid = parseInteger(words[3], -0x8000_0000, largestId);
  if (uid === undefined || gid === undefined) return refuse('SETOWN', badArgument('SETOWN', 'uid and gid'));
  return { name: 'SETOWN', key: keyOf(words), file, uid: uid >>> 0, gid: gid >>> 0 };
}

function parseMode(words: Words, limits: RequestLimits): FileCommand | Refusal {
  const file = fileOf(words, limits);
  if (file === undefined) return refuse('SETMOD', replies.denied);
  const mode = parseInteger(words[2], 0, largestMode);
  if (mode === undefined) return refuse('SETMOD', badArgument('SETMOD', 'mode'));
  return { name: 'SETMOD', key: keyOf(words), file, mode };
}

function parseTime(words: Words, limits: RequestLimits): FileCommand | Refusal {
  const file = fileOf(words, limits);
  if (file === undefined) return refuse('SETIME', replies.denied);
  const mtime = parseInteger(words[2], Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  if (mtime === undefined) return refuse('SETIME', badArgument('SETIME', 'time'));
  if (words[3] === undefined) return { name: 'SETIME', key: keyOf(words), file, mtime };
  const mtimeNanoseconds = parseInteger(words[3], 0, 999_999_999);
  // The C program ignores what follows the seconds, whatever it is.
  if (mtimeNanoseconds === undefined) return { name: 'SETIME', key: keyOf(words), file, mtime };
  return { name: 'SETIME', key: keyOf(words), file, mtime, mtimeNanoseconds };
}

function parseTransferOf(name: 'XSET' | 'XPUT' | 'XDEL', words: Words, limits: RequestLimits): FileCommand | Refusal {
  const file = fileOf(words, limits);
  if (file === undefined) return refuse(name, replies.denied);
  const command = parseTransfer(name, keyOf(words), file, words.slice(2), limits.path);
  return typeof command === 'string' ? refuse(name, badArgument(name, command)) : command;
}
