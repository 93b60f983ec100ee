import { posix } from 'node:path';
import type { DiskPath, FileName } from '../bytes/bytes.ts';
import type { PrefixConfig } from '../config/config.ts';
import { compileHostPattern } from '../patterns/hostPattern.ts';
import { PrefixError, type Prefix } from './cluster.ts';

const uncleanPart = /\/\.{0,2}(?:\/|$)/;
const prefixForm = /^%([^%/]+)%(?=\/|$)/;

/**
 * A name that stays below what it starts with: absolute or `%prefix%` with an absolute rest, no empty, `.` or `..`
 * component, no NUL. Names from peers must be.
 */
export function isCleanName(name: string): name is FileName {
  if (name.includes('\0')) return false;
  if (name === '/') return true;
  const rest = name.replace(prefixForm, '');
  if (rest === '') return name !== '';
  return rest.startsWith('/') && !uncleanPart.test(rest);
}

/** The prefixes of one host: between names in the form of the configuration and paths on its disk. */
export class Prefixes {
  readonly all: readonly Prefix[];
  private readonly host: string;
  private readonly byName: ReadonlyMap<string, DiskPath>;

  /** Of several definitions of one prefix the last that has a location for this host counts; in it, the first location. */
  constructor(configs: readonly PrefixConfig[], host: string) {
    const byName = new Map<string, DiskPath>();
    for (const { name, locations } of configs) {
      const location = locations.find(({ hostPattern }) => compileHostPattern(hostPattern)(host));
      if (location !== undefined) byName.set(name, normalise(location.path));
    }
    this.host = host;
    this.byName = byName;
    this.all = [...byName].map(([name, path]) => ({ name, path }));
  }

  toDisk(name: FileName): DiskPath | undefined {
    if (!isCleanName(name)) return undefined;
    const prefix = prefixForm.exec(name);
    if (prefix === null) return name as string as DiskPath;
    const path = this.byName.get(prefix[1] as string);
    if (path === undefined) throw new PrefixError(prefix[1] as string, this.host);
    const rest = (name as string).slice(prefix[0].length);
    if (rest === '') return path;
    return (path === '/' ? rest : path + rest) as DiskPath;
  }

  toNames(path: DiskPath): FileName[] {
    const names = [path as string as FileName];
    for (const prefix of this.all) {
      if (path === prefix.path) names.push(`%${prefix.name}%` as FileName);
      else if (isBelow(path, prefix.path)) names.push(`%${prefix.name}%${restBelow(path, prefix.path)}` as FileName);
    }
    return names;
  }

  below(path: DiskPath): FileName[] {
    return this.all.filter((prefix) => isBelow(prefix.path, path)).map(({ name }) => `%${name}%` as FileName);
  }
}

function isBelow(path: string, directory: string): boolean {
  return directory === '/' ? path !== '/' : path.startsWith(directory + '/');
}

/** With its slash in front. */
function restBelow(path: string, directory: string): string {
  return directory === '/' ? path : path.slice(directory.length);
}

function normalise(path: string): DiskPath {
  const normal = posix.normalize(path);
  return (normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal) as DiskPath;
}
