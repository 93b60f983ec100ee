import type { Config, LimitsConfig, TlsConfig } from './config.ts';
import type { Source } from './source.ts';
import type { LimitSetting, RootSetting, SettingNode, TlsSetting, Word } from './syntax.ts';
import { byteCount, wholeNumber } from './values.ts';

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** The statements of one value each that stand outside of groups. */
export interface RootSettings extends Mutable<Pick<Config, 'tempDirectory' | 'lockTimeout' | 'database'>> {
  tls: Mutable<TlsConfig>;
  limits: Mutable<LimitsConfig>;
}

/** Nothing is set. */
export function rootSettings(): RootSettings {
  return {
    tempDirectory: undefined,
    lockTimeout: undefined,
    database: undefined,
    tls: { certificate: undefined, key: undefined, authority: undefined, minVersion: undefined },
    limits: {
      sessions: undefined,
      sessionsPerAddress: undefined,
      login: undefined,
      idle: undefined,
      connect: undefined,
      line: undefined,
      path: undefined,
      arguments: undefined,
      size: undefined,
    },
  };
}

/** Of several statements of the same name the last one counts. Fails with ConfigError. */
export function rootSetting(settings: RootSettings, { name, value }: SettingNode<RootSetting>, source: Source): void {
  if (name === 'tempdir') settings.tempDirectory = value.text;
  else if (name === 'database') settings.database = value.text;
  else if (name === 'lock-timeout') settings.lockTimeout = wholeNumber(name, value, source);
  else if (name in tlsFields) setTls(settings.tls, name as TlsSetting, value, source);
  else setLimit(settings.limits, name as LimitSetting, value, source);
}

const tlsFields = {
  'ssl-cert': 'certificate',
  'ssl-key': 'key',
  'ssl-ca': 'authority',
  'tls-min': 'minVersion',
} as const satisfies Record<TlsSetting, keyof TlsConfig>;

function setTls(tls: RootSettings['tls'], name: TlsSetting, { text, at }: Word, source: Source): void {
  if (name !== 'tls-min') tls[tlsFields[name]] = text;
  else if (text === '1.2' || text === '1.3') tls.minVersion = text;
  else throw source.error(`Unknown TLS version '${text}' (use '1.2' or '1.3').`, at);
}

interface Range {
  readonly field: keyof LimitsConfig;
  readonly min: number;
  readonly max: number;
}

const aWeek = 604_800;

const ranges: Readonly<Record<LimitSetting, Range>> = {
  'max-sessions': { field: 'sessions', min: 1, max: 1_000_000 },
  'max-sessions-per-address': { field: 'sessionsPerAddress', min: 1, max: 1_000_000 },
  'login-timeout': { field: 'login', min: 1, max: aWeek },
  'idle-timeout': { field: 'idle', min: 0, max: aWeek },
  'connect-timeout': { field: 'connect', min: 1, max: aWeek },
  'max-line': { field: 'line', min: 1024, max: 2 ** 20 },
  'max-path': { field: 'path', min: 255, max: 4095 },
  'max-arguments': { field: 'arguments', min: 16, max: 2 ** 20 },
  'max-size': { field: 'size', min: 0, max: Number.MAX_SAFE_INTEGER },
};

const inBytes: ReadonlySet<keyof LimitsConfig> = new Set(['line', 'path', 'size']);

function setLimit(limits: RootSettings['limits'], name: LimitSetting, value: Word, source: Source): void {
  const { field, min, max } = ranges[name];
  const number = inBytes.has(field) ? byteCount(name, value, source) : wholeNumber(name, value, source);
  if (number < min || number > max) {
    throw source.error(`${name} must be from ${min} to ${max}, not ${value.text}.`, value.at);
  }
  limits[field] = number;
}
