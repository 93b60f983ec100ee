import { encode } from '../bytes/urlEncoding.ts';
import type { Attributes, Command, FileCommand, TransferCommand, WantedObject } from './commands.ts';

/**
 * The request line for a command, without newline. It is not checked against `requestLineLimit`: only a MKLINK or XSET
 * with very long names can exceed it.
 */
export function formatCommand(command: Command): string {
  if ('key' in command) {
    return `${command.name} ${encode(command.key)} ${encode(command.file)}${formatExtra(command)}`;
  }
  switch (command.name) {
    case 'SSL':
    case 'BYE':
    case 'SYNC':
      return command.name;
    case 'CONFIG':
      return `CONFIG ${command.config}`;
    case 'GROUP':
      return `GROUP ${encode(command.groups.join(','))}`;
    case 'CAPS':
      return ['CAPS', ...command.extensions.map(encode)].join(' ');
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
  if ('force' in command) return formatTransfer(command);
  if ('mtime' in command) {
    return command.mtimeNanoseconds === undefined
      ? ` ${command.mtime}`
      : ` ${command.mtime} ${command.mtimeNanoseconds}`;
  }
  if ('mode' in command) return ` ${command.mode}`;
  if ('uid' in command) return ` ${command.uid | 0} ${command.gid | 0}`;
  if ('target' in command) return ` ${encode(command.target)}`;
  if ('device' in command) return command.device === undefined ? '' : ` ${command.device}`;
  return '';
}

function formatTransfer(command: TransferCommand): string {
  const how = command.force ? 'force' : 'check';
  switch (command.name) {
    case 'XDEL':
      return ` ${how}`;
    case 'XPUT':
      return ` ${how}${formatAttributes(command.attributes)}`;
    case 'XSET':
      return ` ${how}${formatAttributes(command.attributes)}${formatObject(command.object)}`;
  }
}

function formatAttributes({ mode, uid, gid, mtime, mtimeNanoseconds }: Attributes): string {
  return ` ${mode} ${uid} ${gid} ${mtime} ${mtimeNanoseconds}`;
}

function formatObject(object: WantedObject): string {
  switch (object.kind) {
    case 'dir':
    case 'fifo':
      return ` ${object.kind}`;
    case 'reg':
      return ` reg ${object.size} ${object.digest}`;
    case 'lnk':
      return ` lnk ${encode(object.target)}`;
    case 'chr':
    case 'blk':
      return ` ${object.kind} ${object.device}`;
  }
}
