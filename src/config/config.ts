/** The validated meaning of one csync2.cfg, with its includes. Frozen. All strings are byte strings. */
export interface Config {
  /** The file that was read, as given. */
  readonly file: string;
  readonly groups: readonly GroupConfig[];
  readonly prefixes: readonly PrefixConfig[];
  readonly plain: readonly PlainPair[];
  readonly ignore: { readonly uid: boolean; readonly gid: boolean; readonly mod: boolean };
  readonly tempDirectory: string | undefined;
  /** Seconds. */
  readonly lockTimeout: number | undefined;
  readonly database: string | undefined;
  readonly tls: TlsConfig;
  readonly limits: LimitsConfig;
}

/** Files are as written, relative to the system directory. Undefined: what has always been. */
export interface TlsConfig {
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** Who must have signed the certificates of peers; undefined: nobody, they are remembered. */
  readonly authority: string | undefined;
  readonly minVersion: '1.2' | '1.3' | undefined;
}

/** Undefined: the default, which is known where the limit applies. */
export interface LimitsConfig {
  readonly sessions: number | undefined;
  readonly sessionsPerAddress: number | undefined;
  /** Seconds. */
  readonly login: number | undefined;
  /** Seconds; 0: none. */
  readonly idle: number | undefined;
  /** Seconds. */
  readonly connect: number | undefined;
  /** Bytes of a request line. */
  readonly line: number | undefined;
  /** Bytes of a file name in a request, or of the target of a link. */
  readonly path: number | undefined;
  /** Words of a request. */
  readonly arguments: number | undefined;
  /** Bytes of a file. */
  readonly size: number | undefined;
}

/** Where something stands in the configuration: FILE:LINE:COLUMN in messages. Lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface GroupConfig {
  readonly name: string;
  readonly hosts: readonly HostConfig[];
  /** As written; relative to the system directory. */
  readonly keyFile: string;
  /** In the order of the file: the last matching one decides. */
  readonly patterns: readonly PatternConfig[];
  readonly auto: AutoMethod;
  readonly backup: { readonly directory: string; readonly generations: number } | undefined;
  readonly actions: readonly ActionConfig[];
  readonly position: Position;
  readonly keyPosition: Position;
}

export interface HostConfig {
  /** Lower-cased name that this host is known by in its own configuration. */
  readonly name: string;
  /** Lower-cased name that peers connect to and that identifies it: the part after `@`, else `name`. */
  readonly address: string;
  readonly slave: boolean;
}

export type AutoMethod = 'none' | 'first' | 'younger' | 'older' | 'bigger' | 'smaller' | 'left' | 'right';

export interface PatternConfig {
  readonly kind: 'include' | 'exclude' | 'compare';
  readonly text: string;
}

export interface ActionConfig {
  /** None: every file. */
  readonly patterns: readonly string[];
  readonly commands: readonly string[];
  readonly logfile: string | undefined;
  readonly where: 'remote' | 'remote-and-local' | 'local';
}

export interface PrefixConfig {
  readonly name: string;
  /** In order; the first whose pattern matches a host counts for it. */
  readonly locations: readonly { readonly hostPattern: string; readonly path: string }[];
}

/** `nossl FROM TO;`: shell patterns for host names. */
export interface PlainPair {
  readonly from: string;
  readonly to: string;
}
