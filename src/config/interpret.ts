import type {
  ActionConfig,
  AutoMethod,
  Config,
  GroupConfig,
  HostConfig,
  PatternConfig,
  PlainPair,
  PrefixConfig,
} from './config.ts';
import type { Source } from './source.ts';
import { rootSetting, rootSettings } from './settings.ts';
import type { ActionNode, GroupNode, GroupStatement, PrefixNode, RootStatement, Word } from './syntax.ts';
import { wholeNumber } from './values.ts';

/** The meaning of the statements of a configuration. Fails with ConfigError for what cannot be meant. */
export function interpret(file: string, statements: readonly RootStatement[], source: Source): Config {
  const groups: GroupConfig[] = [];
  const prefixes: PrefixConfig[] = [];
  const plain: PlainPair[] = [];
  const ignore = { uid: false, gid: false, mod: false };
  const settings = rootSettings();
  let unnamed = 0;
  for (const statement of statements) {
    switch (statement.type) {
      case 'group':
        groups.push(group(statement, statement.name?.text ?? `group_${++unnamed}`, source));
        break;
      case 'prefix':
        prefixes.push(prefix(statement, source));
        break;
      case 'nossl':
        plain.push({ from: statement.from.text, to: statement.to.text });
        break;
      case 'ignore':
        for (const property of statement.properties) ignoreProperty(ignore, property, source);
        break;
      case 'setting':
        rootSetting(settings, statement, source);
        break;
      case 'no-cygwin-lowercase':
        throw source.error("Found 'nocygwinlowercase' but this is not a cygwin csync2.", statement.at);
    }
  }
  return deepFreeze({ file, groups, prefixes, plain, ignore, ...settings });
}

function ignoreProperty(ignore: Record<'uid' | 'gid' | 'mod', boolean>, { text, at }: Word, source: Source): void {
  if (text !== 'uid' && text !== 'gid' && text !== 'mod') {
    throw source.error(`Unknown 'ignore' property: '${text}'.`, at);
  }
  ignore[text] = true;
}

function prefix({ name, locations }: PrefixNode, source: Source): PrefixConfig {
  const checked = locations.map(({ hostPattern, path }) => {
    if (!path.text.startsWith('/')) throw source.error(`Prefix '${path.text}' is not an absolute path.`, path.at);
    return { hostPattern: hostPattern.text, path: path.text };
  });
  return { name: name.text, locations: checked };
}

function group({ statements, at }: GroupNode, name: string, source: Source): GroupConfig {
  const settings = groupSettings(statements, source);
  const { key } = settings;
  if (key === undefined) throw source.error('every group must have a key.', at);
  return {
    name,
    hosts: statements.flatMap((statement) => (statement.type === 'host' ? statement.hosts.map(host) : [])),
    keyFile: key.text,
    patterns: statements.flatMap(patterns),
    auto: settings.auto ?? 'none',
    backup:
      settings.directory === undefined
        ? undefined
        : { directory: settings.directory, generations: settings.generations },
    actions: statements.flatMap((statement) => (statement.type === 'action' ? [action(statement)] : [])),
    position: source.position(at),
    keyPosition: source.position(key.at),
  };
}

interface GroupSettings {
  key?: Word;
  auto?: AutoMethod;
  directory?: string;
  generations: number;
}

const defaultGenerations = 3;

function groupSettings(statements: readonly GroupStatement[], source: Source): GroupSettings {
  const settings: GroupSettings = { generations: defaultGenerations };
  for (const statement of statements) {
    if (statement.type !== 'setting') continue;
    const { name, value, at } = statement;
    switch (name) {
      case 'key':
        if (settings.key !== undefined) throw source.error('a group might only have one key.', at);
        settings.key = value;
        break;
      case 'auto':
        if (settings.auto !== undefined) throw source.error('a group might only have one auto-setting.', at);
        settings.auto = autoMethod(value, source);
        break;
      case 'backup-directory':
        settings.directory = value.text;
        break;
      case 'backup-generations':
        settings.generations = wholeNumber(name, value, source);
        break;
    }
  }
  return settings;
}

const autoMethods: ReadonlySet<string> = new Set<AutoMethod>([
  'none',
  'first',
  'younger',
  'older',
  'bigger',
  'smaller',
  'left',
  'right',
]);

function autoMethod({ text, at }: Word, source: Source): AutoMethod {
  if (autoMethods.has(text)) return text as AutoMethod;
  const known = "'none', 'first', 'younger', 'older', 'bigger', 'smaller', 'left' or 'right'";
  throw source.error(`Unknown auto-setting '${text}' (use ${known}).`, at);
}

function host({ name, address, slave }: { name: Word; address: Word; slave: boolean }): HostConfig {
  return { name: lowerCased(name.text), address: lowerCased(address.text), slave };
}

/** ASCII letters only: these are bytes. */
function lowerCased(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function patterns(statement: GroupStatement): PatternConfig[] {
  if (statement.type !== 'patterns') return [];
  return statement.patterns.map(({ text }) => ({ kind: statement.kind, text }));
}

function action({ statements }: ActionNode): ActionConfig {
  const config: { patterns: string[]; commands: string[]; logfile: string | undefined } = {
    patterns: [],
    commands: [],
    logfile: undefined,
  };
  const types = new Set<string>();
  for (const statement of statements) {
    types.add(statement.type);
    if (statement.type === 'list') {
      const list = statement.kind === 'pattern' ? config.patterns : config.commands;
      for (const { text } of statement.values) list.push(text);
    } else if (statement.type === 'logfile') {
      config.logfile = statement.value.text;
    }
  }
  const where = types.has('do-local-only') ? 'local' : types.has('do-local') ? 'remote-and-local' : 'remote';
  return { ...config, where };
}

function deepFreeze<Type>(value: Type): Type {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
