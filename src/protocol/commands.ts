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

/** What a client can ask for about one file. All strings are decoded byte strings. */
export type FileCommand = StepCommand | TransferCommand;

/** The requests that a file takes several of. */
export type StepCommand =
  | PlainOnFile
  /** `device`: st_rdev; undefined when the client leaves it out, as the C program does. */
  | ((OnFile<'MKCHR'> | OnFile<'MKBLK'>) & { readonly device: number | undefined })
  | (OnFile<'MKLINK'> & { readonly target: string })
  /** 0–4,294,967,295 each; on the wire they may be written as signed 32-bit numbers. */
  | (OnFile<'SETOWN'> & { readonly uid: number; readonly gid: number })
  /** Whole st_mode as the client has it, 0–0o177777. */
  | (OnFile<'SETMOD'> & { readonly mode: number })
  /** Whole seconds since the epoch, also negative. */
  | (OnFile<'SETIME'> & { readonly mtime: number; readonly mtimeNanoseconds?: number });

/** Owner, mode and time of an object, in the units of the commands that set them one by one. */
export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  /** 0–999,999,999, on top of `mtime`. */
  readonly mtimeNanoseconds: number;
}

/** What XSET can ask for. A regular file is named by its content: its size and `contentDigest`. */
export type WantedObject =
  | { readonly kind: 'dir' | 'fifo' }
  | { readonly kind: 'reg'; readonly size: number; readonly digest: string }
  | { readonly kind: 'lnk'; readonly target: string }
  | { readonly kind: 'chr' | 'blk'; readonly device: number };

/**
 * The extension `xput`: a file in one request. `force`: what is dirty here is forgotten first, as by FLUSH.
 * The content of an XPUT follows it as a blob, whatever becomes of the request.
 */
export type TransferCommand =
  | (OnFile<'XSET'> & { readonly force: boolean; readonly attributes: Attributes; readonly object: WantedObject })
  | (OnFile<'XPUT'> & { readonly force: boolean; readonly attributes: Attributes })
  | (OnFile<'XDEL'> & { readonly force: boolean });

export type Command =
  | { readonly name: 'SSL' | 'BYE' | 'SYNC' }
  /** Empty: the default configuration. */
  | { readonly name: 'CONFIG'; readonly config: string }
  | { readonly name: 'GROUP'; readonly groups: readonly string[] }
  /** Which of these extensions does the server speak? */
  | { readonly name: 'CAPS'; readonly extensions: readonly string[] }
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
