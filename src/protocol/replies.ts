/** Everything that a server of this protocol answers in one line, without newline. */
export const replies = {
  finished: 'OK (cmd_finished).',
  dataFollows: 'OK (data_follows).',
  sendData: 'OK (send_data).',
  notFound: 'OK (not_found).',
  pathNotFound: 'OK (path_not_found).',
  same: 'OK (same).',
  onDisk: 'OK (on_disk).',
  goodbye: 'OK (cu_later).',
  activatingTls: 'OK (activating_ssl).',
  conflict: 'File is also marked dirty here!',
  overtaken: 'The file has changed meanwhile.',
  parentMissing: 'Parent dir missing.',
  groupsAlreadySet: 'Group list already set!',
  identificationFailed: 'Identification failed!',
  slaveDenied: 'Permission denied for slave!',
  denied: 'Permission denied!',
  tlsExpected: 'SSL encrypted connection expected!',
  unknownCommand: 'Unknown command!',
  configExpected: 'Expecting SSL (optional) and CONFIG as first commands.',
  cannotServe: 'There is trouble with the configuration or the database of this server: its log says more.',
  contentRefused: 'The content of this file was refused.',
  contentTooLarge: 'The content is too large to be sent whole.',
  linkInTheWay: 'A parent directory is a symbolic link, which is not followed!',
  otherNames: 'The file has other names (hard links), for which its owner and mode are not set!',
  notMounted: 'The file system that this file is on is not mounted!',
  badConfigName: 'Config names are limited to [a-z0-9]+.',
} as const;

export function identifyFirst(address: string): string {
  return `Dear ${address}, please identify first.`;
}

/** An argument that is missing, not a number, or out of its range. */
export function badArgument(command: string, argument: string): string {
  return `Invalid argument: ${command} needs a valid ${argument}.`;
}

export function tooManyArguments(limit: number): string {
  return `Too many arguments (more than ${limit}).`;
}

/** The file stays as it is, since no backup of it could be made. */
export function backupFailed(reason: string): string {
  return `Backup failed: ${reason}`;
}

/** The placeholder for a checktxt when there is no file. */
export const noChecktxt = '---';

export type ReplyKind =
  | Exclude<
      keyof typeof replies,
      | 'badConfigName'
      | 'cannotServe'
      | 'configExpected'
      | 'contentRefused'
      | 'contentTooLarge'
      | 'linkInTheWay'
      | 'otherNames'
      | 'overtaken'
    >
  | 'identifyFirst'
  /** Starts `OK (` but is none that we know: to be taken as success. */
  | 'unknownOk'
  /** Any other text: an errno text, or a message. */
  | 'otherError';

export function isOk(line: string): boolean {
  return line.startsWith('OK (');
}

/** Kinds by what a reply must start with. Full stops and exclamation marks are left out: versions differ there. */
const okPrefixes: readonly (readonly [string, ReplyKind])[] = [
  ['OK (cmd_finished)', 'finished'],
  ['OK (data_follows)', 'dataFollows'],
  ['OK (send_data)', 'sendData'],
  ['OK (path_not_found)', 'pathNotFound'],
  ['OK (not_found)', 'notFound'],
  ['OK (same)', 'same'],
  ['OK (cu_later)', 'goodbye'],
  ['OK (activating_ssl)', 'activatingTls'],
];

const errorPrefixes: readonly (readonly [string, ReplyKind])[] = [
  ['File is also marked dirty here', 'conflict'],
  ['Parent dir missing', 'parentMissing'],
  ['Permission denied for slave', 'slaveDenied'],
  // `Permission denied` alone is the text of EACCES: trouble with the one file, not a refusal.
  ['Permission denied!', 'denied'],
  ['Identification failed', 'identificationFailed'],
  ['Group list already set', 'groupsAlreadySet'],
  ['SSL encrypted connection expected', 'tlsExpected'],
  ['The file system that this file is on is not mounted', 'notMounted'],
  ['Unknown command', 'unknownCommand'],
  ['Unkown command', 'unknownCommand'],
];

/** What a reply line means, by its beginning. */
export function classifyReply(line: string): ReplyKind {
  const ok = isOk(line);
  for (const [prefix, kind] of ok ? okPrefixes : errorPrefixes) if (line.startsWith(prefix)) return kind;
  if (ok) return 'unknownOk';
  return line.startsWith('Dear ') && line.includes('please identify first') ? 'identifyFirst' : 'otherError';
}
