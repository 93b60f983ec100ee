/** What the grammar (grammar/csync2cfg.peggy) makes of a configuration. `at` is an offset in the parsed text. */
export type RootStatement =
  | GroupNode
  | PrefixNode
  | { readonly type: 'nossl'; readonly at: number; readonly from: Word; readonly to: Word }
  | { readonly type: 'ignore'; readonly at: number; readonly properties: readonly Word[] }
  | SettingNode<RootSetting>
  | { readonly type: 'no-cygwin-lowercase'; readonly at: number };

export type RootSetting = 'tempdir' | 'lock-timeout' | 'database' | TlsSetting | LimitSetting;

export type TlsSetting = 'ssl-cert' | 'ssl-key' | 'ssl-ca' | 'tls-min';

export type LimitSetting =
  | 'max-sessions'
  | 'max-sessions-per-address'
  | 'max-line'
  | 'max-path'
  | 'max-arguments'
  | 'max-size'
  | 'login-timeout'
  | 'idle-timeout'
  | 'connect-timeout';

export interface Word {
  readonly at: number;
  readonly text: string;
}

export interface SettingNode<Name extends string> {
  readonly type: 'setting';
  readonly at: number;
  readonly name: Name;
  readonly value: Word;
}

export interface PrefixNode {
  readonly type: 'prefix';
  readonly at: number;
  readonly name: Word;
  readonly locations: readonly { readonly at: number; readonly hostPattern: Word; readonly path: Word }[];
}

export interface GroupNode {
  readonly type: 'group';
  readonly at: number;
  readonly name: Word | null;
  readonly statements: readonly GroupStatement[];
}

export type GroupStatement =
  | { readonly type: 'host'; readonly at: number; readonly hosts: readonly HostNode[] }
  | {
      readonly type: 'patterns';
      readonly at: number;
      readonly kind: 'include' | 'exclude' | 'compare';
      readonly patterns: readonly Word[];
    }
  | ActionNode
  | SettingNode<'key' | 'auto' | 'backup-directory' | 'backup-generations'>;

export interface HostNode {
  readonly name: Word;
  /** The part after `@`, else the name. */
  readonly address: Word;
  readonly slave: boolean;
}

export interface ActionNode {
  readonly type: 'action';
  readonly at: number;
  readonly statements: readonly ActionStatement[];
}

export type ActionStatement =
  | {
      readonly type: 'list';
      readonly at: number;
      readonly kind: 'pattern' | 'exec';
      readonly values: readonly Word[];
    }
  | { readonly type: 'logfile'; readonly at: number; readonly value: Word }
  | { readonly type: 'do-local' | 'do-local-only'; readonly at: number };
