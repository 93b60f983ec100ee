import { decode } from '../bytes/urlEncoding.ts';
import type { Command, CommandName, FileCommand, PlainFileCommand, Refusal } from './commands.ts';
import { validateName } from './names.ts';
import { largestDevice, largestId, largestMode, parseInteger } from './numbers.ts';
import { parseTransfer } from './parseTransfer.ts';
import { badArgument, replies } from './replies.ts';

/** Words of a request after its first, still encoded. */
type Words = readonly (string | undefined)[];
type Parse = (words: Words) => Command | Refusal;

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
  GROUP: ([list = '']) => ({ name: 'GROUP', groups: decode(list).split(',').filter(notEmpty) }),
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

  MKCHR: (words) => parseDevice('MKCHR', words),
  MKBLK: (words) => parseDevice('MKBLK', words),
  MKLINK: parseLink,
  SETOWN: parseOwner,
  SETMOD: parseMode,
  SETIME: parseTime,

  XSET: (words) => parseTransferOf('XSET', words),
  XPUT: (words) => parseTransferOf('XPUT', words),
  XDEL: (words) => parseTransferOf('XDEL', words),
};

const parserByName = new Map<string, Parse>(Object.entries(parsers));

/**
 * Reads one request line (without newline): the command's name in any case, then URL-encoded arguments between blanks.
 * Surplus arguments are ignored, file names are validated; whatever is wrong comes back as a Refusal. The line must
 * not be empty.
 */
export function parseCommand(line: string): Command | Refusal {
  const words = irregularBlanks.test(line) ? line.split(blanks).filter(notEmpty) : line.split(' ');
  const word = words.shift() ?? '';
  const parse = parserByName.get(word) ?? parserByName.get(word.toUpperCase());
  return parse === undefined ? refuse(undefined, replies.unknownCommand) : parse(words);
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
function fileOf(words: Words): ReturnType<typeof validateName> {
  return words[1] === undefined ? undefined : validateName(decode(words[1]));
}

function keyOf(words: Words): string {
  return decode(words[0] ?? '');
}

function plain(name: PlainFileCommand): Parse {
  return (words) => {
    const file = fileOf(words);
    return file === undefined ? refuse(name, replies.denied) : { name, key: keyOf(words), file };
  };
}

function parseList([peer = '', name, ...keys]: Words): Command | Refusal {
  const rest = { name: 'LIST', peer: decode(peer), keys: keys.map((key) => decode(key ?? '')) } as const;
  if (name === undefined || name === '-') return { ...rest, file: undefined };
  const file = validateName(decode(name));
  return file === undefined ? refuse('LIST', replies.denied) : { ...rest, file };
}

function parseDevice(name: 'MKCHR' | 'MKBLK', words: Words): FileCommand | Refusal {
  const file = fileOf(words);
  if (file === undefined) return refuse(name, replies.denied);
  const device = parseInteger(words[2], 0, largestDevice);
  if (device === undefined && words[2] !== undefined) return refuse(name, badArgument(name, 'device number'));
  return { name, key: keyOf(words), file, device };
}

function parseLink(words: Words): FileCommand | Refusal {
  const file = fileOf(words);
  if (file === undefined) return refuse('MKLINK', replies.denied);
  const target = decode(words[2] ?? '');
  if (target === '' || target.includes('\0')) return refuse('MKLINK', badArgument('MKLINK', 'target'));
  return { name: 'MKLINK', key: keyOf(words), file, target };
}

function parseOwner(words: Words): FileCommand | Refusal {
  const file = fileOf(words);
  if (file === undefined) return refuse('SETOWN', replies.denied);
  const uid = parseInteger(words[2], -0x8000_0000, largestId);
  const gid = parseInteger(words[3], -0x8000_0000, largestId);
  if (uid === undefined || gid === undefined) return refuse('SETOWN', badArgument('SETOWN', 'uid and gid'));
  return { name: 'SETOWN', key: keyOf(words), file, uid: uid >>> 0, gid: gid >>> 0 };
}

function parseMode(words: Words): FileCommand | Refusal {
  const file = fileOf(words);
  if (file === undefined) return refuse('SETMOD', replies.denied);
  const mode = parseInteger(words[2], 0, largestMode);
  if (mode === undefined) return refuse('SETMOD', badArgument('SETMOD', 'mode'));
  return { name: 'SETMOD', key: keyOf(words), file, mode };
}

function parseTime(words: Words): FileCommand | Refusal {
  const file = fileOf(words);
  if (file === undefined) return refuse('SETIME', replies.denied);
  const mtime = parseInteger(words[2], Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  if (mtime === undefined) return refuse('SETIME', badArgument('SETIME', 'time'));
  if (words[3] === undefined) return { name: 'SETIME', key: keyOf(words), file, mtime };
  const mtimeNanoseconds = parseInteger(words[3], 0, 999_999_999);
  // The C program ignores what follows the seconds, whatever it is.
  if (mtimeNanoseconds === undefined) return { name: 'SETIME', key: keyOf(words), file, mtime };
  return { name: 'SETIME', key: keyOf(words), file, mtime, mtimeNanoseconds };
}

function parseTransferOf(name: 'XSET' | 'XPUT' | 'XDEL', words: Words): FileCommand | Refusal {
  const file = fileOf(words);
  if (file === undefined) return refuse(name, replies.denied);
  const command = parseTransfer(name, keyOf(words), file, words.slice(2));
  return typeof command === 'string' ? refuse(name, badArgument(name, command)) : command;
}
