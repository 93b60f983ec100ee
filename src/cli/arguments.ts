import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { fromText } from '../bytes/bytes.ts';
import { afterOptions, modes, modifiers, synopsis, type OptionEntry, type OptionGroup } from './usage.ts';

/** What was asked for. All strings are byte strings; file names are as given, not yet absolute. */
export type Invocation = ModeArguments & { readonly options: Options };

export type ModeArguments =
  | FileArguments
  | { readonly mode: 'list-hints' | 'list-files' | 'list-dirty' | 'remove-old' }
  | { readonly mode: 'list-pair'; readonly pair: Pair }
  /** No pair: all pairs. No file: all files. */
  | {
      readonly mode: 'compare';
      readonly diffs: boolean;
      readonly pair: Pair | undefined;
      readonly file: string | undefined;
    }
  | { readonly mode: 'serve'; readonly listener: 'inetd' | 'stand-alone' | 'one-connection' }
  | { readonly mode: 'create-key'; readonly file: string }
  | { readonly mode: 'make-certificate' }
  | { readonly mode: 'status' }
  /** No host: all. */
  | { readonly mode: 'list-certificates'; readonly host: string | undefined }
  | { readonly mode: 'forget-certificate'; readonly host: string }
  | { readonly mode: 'explain' | 'forget-mount'; readonly files: readonly string[] };

/**
 * Without files `check` and `check-and-update` go through every hint, `synchronize` (`-x`) checks `/` recursively, and
 * `update` sends everything.
 */
export interface FileArguments {
  readonly mode: 'hint' | 'check' | 'update' | 'check-and-update' | 'synchronize' | 'cover' | 'force' | 'mark';
  readonly files: readonly string[];
}

export interface Pair {
  readonly myname: string;
  readonly peer: string;
}

/** The modifiers, each with its letter. Where a letter is given several times, the last one counts. */
export interface Options {
  /** -r */
  readonly recursive: boolean;
  /** -d */
  readonly dryRun: boolean;
  /** -v, counted */
  readonly verbosity: number;
  /** -C: `[a-z0-9]*`; empty is the default configuration. */
  readonly configName: string;
  /** -D */
  readonly database: string | undefined;
  /** -N, in lower case */
  readonly hostName: string | undefined;
  /** -p: a number or the name of a service; see `portNumber`. */
  readonly port: string;
  /** -G */
  readonly groups: readonly string[] | undefined;
  /** -P */
  readonly peers: readonly string[] | undefined;
  /** -F */
  readonly force: boolean;
  /** -I */
  readonly initRun: boolean;
  /** -X */
  readonly markRemovals: boolean;
  /** -U */
  readonly onlyThisPeer: boolean;
  /** -B */
  readonly smallTransactions: boolean;
  /** -A */
  readonly unsafe: boolean;
  /** -t */
  readonly timestamps: boolean;
  /** -s */
  readonly timestampFile: string | undefined;
  /** -l, and always with -i */
  readonly syslog: boolean;
  /** -W */
  readonly directoryDescriptor: number | undefined;
  /** --json */
  readonly json: boolean;
  /** False with --no-progress. */
  readonly progress: boolean;
}

export type Parsed =
  | { readonly outcome: 'run'; readonly invocation: Invocation }
  /** `text` to stdout; before it `complaint`, if any, to stderr. */
  | {
      readonly outcome: 'print';
      readonly text: string;
      readonly complaint: string | undefined;
      readonly exitCode: 0 | 1;
    }
  /** `message` to stderr, exit 1. */
  | { readonly outcome: 'refuse'; readonly message: string };

export interface ParseOptions {
  readonly version: string;
  /** As for getopt with POSIXLY_CORRECT: options end at the first file argument. */
  readonly optionsFirst: boolean;
}

/** The command line after the program's name, as getopt(3) reads it. */
export function parseArguments(args: readonly string[], options: ParseOptions): Parsed {
  if (args.length === 2 && args[0] === '-k') return createKey(args[1] as string);
  const letters: string[] = [];
  const command = createCommand(letters, options);
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return stopped(command, error, options.version);
    throw error;
  }
  const raw = command.opts<RawOptions>();
  if (raw[digit]) return usage(command, `unknown option '-${digit}'`);
  const modeArguments = modeOf(letters.join(''), command.args);
  if (modeArguments === undefined) return usage(command, misfit(letters, command.args));
  return refine(modeArguments, raw);
}

/** What is wrong about modes and arguments that make no mode; nothing is where nothing was asked for. */
function misfit(letters: readonly string[], files: readonly string[]): string | undefined {
  const given = letters.map((letter) => (letter.startsWith('--') ? letter : `-${letter}`));
  if (given.length === 0) return files.length === 0 ? undefined : 'say what to do with these files';
  if (given[0] === '-k' && given.length === 1) return '-k FILE takes no other option and no other argument';
  if (given.length === 1 && files.length === 0) return `${given.join('')} needs arguments`;
  return `these do not go together: ${[...given, ...files].join(' ')}`;
}

/**
 * The bytes of this process's arguments, without node and the script. Node.js decodes them as UTF-8; where that lost
 * something, they are read back from the kernel.
 */
export function ownArguments(): string[] {
  const decoded = process.argv.slice(2);
  if (!decoded.some((argument) => argument.includes('\ufffd'))) return decoded.map(fromText);
  const all = readFileSync('/proc/self/cmdline', 'latin1').split('\0').slice(0, -1);
  return all.slice(all.length - decoded.length);
}

/** The TCP port that a number or a service name stands for; undefined when there is none. */
export function portNumber(port: string, services = '/etc/services'): number | undefined {
  if (/^\d+$/.test(port)) return Number(port) <= 65_535 ? Number(port) : undefined;
  for (const line of serviceLines(services)) {
    const [name, entry, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const [number, protocol] = (entry ?? '').split('/');
    if (protocol === 'tcp' && (name === port || aliases.includes(port))) return Number(number);
  }
  return undefined;
}

function serviceLines(file: string): string[] {
  try {
    return readFileSync(file, 'latin1').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Values by letter, as commander leaves them. */
type RawOptions = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * An option of this kind has to exist for commander to take `-5` as an option, and an unknown one, instead of as a
 * negative number; getopt knows no numbers.
 */
const digit = '0';

/** `letters` collects the mode letters in their order. */
function createCommand(letters: string[], { version, optionsFirst }: ParseOptions): Command {
  const command = new Command('csync2')
    .usage(synopsis)
    .argument('[file...]')
    .helpOption('--help', 'show this help')
    .version(`csync2 ${version}`, '--version', 'show the version')
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
    .showSuggestionAfterError(false)
    .passThroughOptions(optionsFirst)
    .configureHelp({ optionTerm: (option) => terms.get(option.flags) ?? option.flags, visibleArguments: () => [] })
    .addOption(new Option(`-${digit}`).hideHelp());
  addGroup(command, modes, (option) => option.argParser(() => void letters.push(option.long ?? option.name())));
  addGroup(command, modifiers, (option) => {
    if (option.name() === 'v') option.default(0, '').argParser((_, count: number) => count + 1);
  });
  return command;
}

const terms: ReadonlyMap<string, string> = new Map(
  [modes, modifiers].flatMap((group) => group.options).map((entry) => [entry.flags, termOf(entry)]),
);

function termOf({ flags, term }: OptionEntry): string {
  return term ?? flags.replace(/<(.*)>/, (_, name: string) => name.toUpperCase());
}

function addGroup(command: Command, group: OptionGroup, configure: (option: Option) => void): void {
  for (const { flags, description } of group.options) {
    const option = new Option(flags, description).helpGroup(group.heading);
    configure(option);
    command.addOption(option);
  }
}

function usage(command: Command, complaint?: string): Parsed {
  return { outcome: 'print', text: helpText(command), complaint, exitCode: 1 };
}

function helpText(command: Command): string {
  return command.helpInformation() + afterOptions;
}

function stopped(command: Command, error: CommanderError, version: string): Parsed {
  if (error.code === 'commander.helpDisplayed') {
    return { outcome: 'print', text: helpText(command), complaint: undefined, exitCode: 0 };
  }
  if (error.code === 'commander.version') {
    return { outcome: 'print', text: `csync2 ${version}\n`, complaint: undefined, exitCode: 0 };
  }
  return usage(command, error.message.replace(/^error: /, ''));
}

function createKey(file: string): Parsed {
  return { outcome: 'run', invocation: { mode: 'create-key', file, options: optionsOf({}, undefined) } };
}

const withFiles = {
  h: 'hint',
  c: 'check',
  u: 'update',
  cu: 'check-and-update',
  x: 'synchronize',
  o: 'cover',
  f: 'force',
  m: 'mark',
} as const;
const withoutFiles = { H: 'list-hints', L: 'list-files', M: 'list-dirty', R: 'remove-old' } as const;
const listeners = { i: 'inetd', ii: 'stand-alone', iii: 'one-connection' } as const;

/** Undefined when these mode letters, in this order, or this number of arguments make no sense. */
function modeOf(letters: string, files: readonly string[]): ModeArguments | undefined {
  if (isKey(withFiles, letters)) return { mode: withFiles[letters], files };
  if (letters === 'S') {
    const [myname, peer] = files;
    if (myname === undefined || peer === undefined || files.length > 2) return undefined;
    return { mode: 'list-pair', pair: { myname, peer } };
  }
  if (/^T+$/.test(letters)) return compareArguments(letters.length > 1, files);
  if (letters.startsWith('--')) return longMode(letters, files);
  if (files.length > 0) return undefined;
  if (isKey(withoutFiles, letters)) return { mode: withoutFiles[letters] };
  if (isKey(listeners, letters)) return { mode: 'serve', listener: listeners[letters] };
  return undefined;
}

function longMode(name: string, files: readonly string[]): ModeArguments | undefined {
  const [host] = files;
  switch (name) {
    case '--make-cert':
      return files.length === 0 ? { mode: 'make-certificate' } : undefined;
    case '--status':
      return files.length === 0 ? { mode: 'status' } : undefined;
    case '--ls-ssl-cert':
      return files.length <= 1 ? { mode: 'list-certificates', host } : undefined;
    case '--rm-ssl-cert':
      return host !== undefined && files.length === 1 ? { mode: 'forget-certificate', host } : undefined;
    case '--explain':
      return files.length > 0 ? { mode: 'explain', files } : undefined;
    case '--forget-mount':
      return files.length > 0 ? { mode: 'forget-mount', files } : undefined;
    default:
      return undefined;
  }
}

function compareArguments(diffs: boolean, files: readonly string[]): ModeArguments | undefined {
  if (files.length > 3) return undefined;
  const [myname, peer] = files;
  const pair = myname !== undefined && peer !== undefined ? { myname, peer } : undefined;
  return { mode: 'compare', diffs, pair, file: pair ? files[2] : myname };
}

function isKey<T extends object>(table: T, key: string): key is Extract<keyof T, string> {
  return Object.hasOwn(table, key);
}

/** Checks what concerns mode and modifiers together. */
function refine(modeArguments: ModeArguments, raw: RawOptions): Parsed {
  if (modeArguments.mode === 'remove-old' && raw['G'] !== undefined) return refuse('Never run -R with -G!');
  const configName = text(raw['C']);
  if (configName !== undefined && !/^[a-z0-9]*$/.test(configName)) {
    return refuse('Config names are limited to [a-z0-9]+.');
  }
  const descriptor = text(raw['W']);
  if (descriptor !== undefined && !/^\d{1,9}$/.test(descriptor)) {
    return refuse(`Invalid dump_dir_fd ${descriptor}: Bad file descriptor`);
  }
  return { outcome: 'run', invocation: { ...modeArguments, options: optionsOf(raw, modeArguments) } };
}

function refuse(message: string): Parsed {
  return { outcome: 'refuse', message };
}

function optionsOf(raw: RawOptions, mode: ModeArguments | undefined): Options {
  const given = (letter: string) => raw[letter] === true;
  const descriptor = text(raw['W']);
  return {
    recursive: given('r'),
    dryRun: given('d'),
    verbosity: Number(raw['v'] ?? 0),
    configName: text(raw['C']) ?? '',
    database: text(raw['D']),
    hostName: text(raw['N'])?.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
    port: text(raw['p']) ?? '30865',
    groups: list(raw['G']),
    peers: list(raw['P']),
    force: given('F'),
    initRun: given('I'),
    markRemovals: given('X'),
    onlyThisPeer: given('U'),
    smallTransactions: given('B'),
    unsafe: given('A'),
    timestamps: given('t'),
    timestampFile: text(raw['s']),
    syslog: given('l') || (mode?.mode === 'serve' && mode.listener === 'inetd'),
    directoryDescriptor: descriptor === undefined ? undefined : Number(descriptor),
    json: raw['json'] === true,
    progress: raw['progress'] !== false,
  };
}

function text(value: string | number | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function list(value: string | number | boolean | undefined): string[] | undefined {
  return text(value)
    ?.split(',')
    .filter((item) => item !== '');
}
