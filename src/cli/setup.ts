import fs from 'node:fs';
import os from 'node:os';
import { fromText, fsPath } from '../bytes/bytes.ts';
import { fromHere } from '../bytes/currentDirectory.ts';
import type { Config } from '../config/config.ts';
import { configPath } from '../config/configPath.ts';
import { parseConfig } from '../config/parse.ts';
import type { Ignored } from '../entry/entry.ts';
import { buildCluster } from '../groups/build.ts';
import type { Cluster } from '../groups/cluster.ts';
import type { Log } from '../log/log.ts';
import * as messages from '../log/messages.ts';
import { displayName, locate, type Location } from '../store/location.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import type { Options } from './arguments.ts';
import { neverStops, type Stop } from './interruption.ts';
import type { Output } from './output.ts';
import type { Progress } from './progress.ts';

/** One configuration of this host, read, with its database open. */
export interface Setup {
  readonly config: Config;
  readonly cluster: Cluster;
  readonly ignored: Ignored;
  readonly store: Store;
  readonly log: Log;
  readonly output: Output;
  /** Work that takes long looks here whether it is to go on. */
  readonly stop: Stop;
  /** Where there is somebody to look at it. */
  readonly progress?: Progress;
}

/** Where everything is, as command line and environment say. */
export interface Place {
  readonly systemDirectory: string;
  readonly host: string;
  readonly options: Options;
}

/** A condition that ends the run at once. The message says it all, unless there is advice what to do about it. */
export class SetupError extends Error {
  readonly code: 'LOCKED' | 'CREDENTIALS' | 'ARGUMENT';
  readonly advice: string | undefined;
  constructor(code: SetupError['code'], message: string, options?: ErrorOptions & { readonly advice?: string }) {
    super(message, options);
    this.name = 'SetupError';
    this.code = code;
    this.advice = options?.advice;
  }
}

const defaultLockTimeout = 10;

export function findPlace(options: Options): Place {
  return {
    systemDirectory: fromText(process.env['CSYNC2_SYSTEM_DIR'] ?? usualDirectory()),
    host: options.hostName ?? fromText(os.hostname().toLowerCase()),
    options,
  };
}

/** `/etc`, or `/etc/csync2` where that has the only configuration, as on SUSE. Paths below `root`, for tests. */
export function usualDirectory(root = ''): string {
  const [first, second] = [`${root}/etc`, `${root}/etc/csync2`];
  return !fs.existsSync(`${first}/csync2.cfg`) && fs.existsSync(`${second}/csync2.cfg`) ? second : first;
}

/** The file that makes csync2 refuse to do anything, when it is there. */
export function findLock({ systemDirectory }: Place): string | undefined {
  const lock = `${systemDirectory}/csync2.lock`;
  return fs.existsSync(fsPath(lock)) ? lock : undefined;
}

/** Fails with ConfigError for a name that is none. */
export function configFile({ systemDirectory }: Place, name: string): string {
  return configPath(systemDirectory, name);
}

/** Reads the configuration of this name ('': the default one), without its database. */
export function readCluster(place: Place, name: string, log: Log, groups: readonly string[] | undefined) {
  const { systemDirectory, host, options } = place;
  const file = configFile(place, name);
  log.write(2, messages.configFile(file));
  const config = parseConfig(file, (path) => fs.readFileSync(fsPath(path)));
  const cluster = buildCluster({ config, host, systemDirectory, groups, peers: options.peers });
  for (const { name: prefix, path } of cluster.prefixes) log.write(2, messages.prefixIsSet(prefix, path));
  log.write(2, messages.myHostname(host));
  return { config, cluster };
}

function locateDatabase({ host, options }: Place, name: string, config: Config): Location {
  return locate(options.database ?? config.database, host, name);
}

/** Which database `openDatabase` would open: where it is, and of a file, which one is there. Says nothing to people. */
export function identifyDatabase(place: Place, name: string, config: Config): string {
  const location = locateDatabase(place, name, config);
  if (location.backend !== 'sqlite') return JSON.stringify(location);
  try {
    const { dev, ino } = fs.statSync(fsPath(fromHere(location.path)), { bigint: true });
    return `${location.path} ${dev} ${ino}`;
  } catch {
    // Whoever opens it makes it, or says what is wrong.
    return location.path;
  }
}

export async function openDatabase(place: Place, name: string, config: Config, log: Log): Promise<Store> {
  const { options } = place;
  const location = locateDatabase(place, name, config);
  log.write(2, messages.databaseFile(displayName(location)));
  return openStore(location, {
    lockTimeout: config.lockTimeout ?? defaultLockTimeout,
    unsafe: options.unsafe,
    smallTransactions: options.smallTransactions,
  });
}

export async function setUp(place: Place, log: Log, output: Output): Promise<Setup> {
  const name = place.options.configName;
  const { config, cluster } = readCluster(place, name, log, place.options.groups);
  const store = await openDatabase(place, name, config, log);
  return { config, cluster, ignored: config.ignore, store, log, output, stop: neverStops };
}
