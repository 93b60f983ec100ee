import { encode } from '../bytes/urlEncoding.ts';
import type { Command, FileCommand } from './commands.ts';

/**
 * The request line for a command, without newline. It is not checked against `requestLineLimit`: only a MKLINK with
 * very long names can exceed it.
 */
export function formatCommand(command: Command): string {
  if ('key' in command) {
    return `${command.name} ${encode(command.key)} ${encode(command.file)}${formatExtra(command)}`;
  }
  switch (command.name) {
    case 'SSL':
    case 'BYE':
      return command.name;
    case 'CONFIG':
      return `CONFIG ${command.config}`;
    case 'GROUP':
      return `GROUP ${encode(command.groups.join(','))}`;
    case 'HELLO':
      return `HELLO ${encode(command.host)}`;
    case 'LIST': {
      const file = command.file === undefined ? '-' : encode(command.file);
      return ['LIST', encode(command.peer), file, ...command.keys.map(encode)].join(' ');
    }
  }
}

/** What follows the file name. C programs write ids as signed 32-bit numbers. */
function formatExtra(command: FileCommand): string {
  if ('mtime' in command) return ` ${command.mtime}`;
  if ('mode' in command) return ` ${command.mode}`;
  if ('uid' in command) return ` ${command.uid | 0} ${command.gid | 0}`;
  if ('target' in command) return ` ${encode(command.target)}`;
  if ('device' in command) return command.device === undefined ? '' : ` ${command.device}`;
  return '';
}
