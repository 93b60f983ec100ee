import type { FileName } from '../bytes/bytes.ts';

/** Commands about one file that need nothing but the group's key and the file's name. */
export const plainFileCommands = [
  'SIG',
  'MARK',
  'TYPE',
  'GETTM',
  'GETSZ',
  'FLUSH',
  'DEL',
  'PATCH',
  'MKDIR',
  'MKFIFO',
  'MKSOCK',
] as const;

export type PlainFileCommand = (typeof plainFileCommands)[number];

/** One type a command, so that its name alone tells which arguments it has. */
type PlainOnFile = { [Name in PlainFileCommand]: OnFile<Name> }[PlainFileCommand];

interface OnFile<Name extends string> {
  readonly name: Name;
  readonly key: string;
  readonly file: FileName;
}

/** What a client can ask for. All strings are decoded byte strings. */
export type FileCommand =
  | PlainOnFile
  /** `device`: st_rdev; undefined when the client leaves it out, as the C program does. */
  | ((OnFile<'MKCHR'> | OnFile<'MKBLK'>) & { readonly device: number | undefined })
  | (OnFile<'MKLINK'> & { readonly target: string })
  /** 0–4,294,967,295 each; on the wire they may be written as signed 32-bit numbers. */
  | (OnFile<'SETOWN'> & { readonly uid: number; readonly gid: number })
  /** Whole st_mode as the client has it, 0–0o177777. */
  | (OnFile<'SETMOD'> & { readonly mode: number })
  /** Whole seconds since the epoch, also negative. */
  | (OnFile<'SETIME'> & { readonly mtime: number });

export type Command =
  | { readonly name: 'SSL' | 'BYE' }
  /** Empty: the default configuration. */
  | { readonly name: 'CONFIG'; readonly config: string }
  | { readonly name: 'GROUP'; readonly groups: readonly string[] }
  /** The name that the client goes by, as sent. */
  | { readonly name: 'HELLO'; readonly host: string }
  /** `peer`: whose share is listed ('' when left out). `file`: only this one and what is below; undefined: all. */
  | {
      readonly name: 'LIST';
      readonly peer: string;
      readonly file: FileName | undefined;
      readonly keys: readonly string[];
    }
  | FileCommand;

export type CommandName = Command['name'];

/** A line that is no valid command: the reply to send. `command` is set when at least its name is known. */
export interface Refusal {
  readonly name: 'refused';
  readonly command: CommandName | undefined;
  readonly reply: string;
}
