import { ConfigError } from './configError.ts';

/**
 * The file of a named configuration (`-C`, the CONFIG command), that of the default one for the empty name.
 * Fails with ConfigError for a name that is none: it comes from peers too.
 */
export function configPath(systemDirectory: string, name: string): string {
  if (name !== '' && !/^[a-z0-9]+$/.test(name)) {
    const file = `${systemDirectory}/csync2.cfg`;
    throw new ConfigError('Config names are limited to [a-z0-9]+.', { file, line: 0, column: 0 });
  }
  return `${systemDirectory}/csync2${name === '' ? '' : `_${name}`}.cfg`;
}
