import { fstatSync, type Stats } from 'node:fs';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { type Channel, ChannelError } from './channel.ts';
import { socketChannel } from './socketChannel.ts';
import { StreamChannel } from './streamChannel.ts';

/**
 * The peer that whoever started us put at our standard input and output: a TCP socket at descriptor 0 (inetd,
 * systemd), or Unix sockets or pipes (ssh), whose peer's address is the first word of SSH_CLIENT. Nobody else may use
 * these descriptors afterwards. Undefined when standard input is /dev/null: nobody is there. Fails with ChannelError
 * UNSUPPORTED for anything else, such as a terminal or a file.
 */
export function openStdio(environment: NodeJS.ProcessEnv = process.env): Channel | undefined {
  const input = statusOf(0);
  if (input?.isCharacterDevice() && input.rdev === nullDevice) return undefined;
  const output = statusOf(1);
  const sshClient = environment['SSH_CLIENT']?.trim().split(/\s+/)[0];
  try {
    if (input?.isSocket()) return overSocket(input, output, sshClient);
    if (input?.isFIFO() && carriesBytes(output)) {
      return overPair(new net.Socket({ fd: 0, readable: true, writable: false }), sshClient);
    }
  } catch (error) {
    throw new ChannelError('UNSUPPORTED', unsupported, { cause: error });
  }
  throw new ChannelError('UNSUPPORTED', unsupported);
}

const nullDevice = 0x103;

const unsupported = 'Standard input is neither a socket nor a pipe with a peer at its other end.';

/** Descriptor 0 goes both ways, unless it is a Unix socket and descriptor 1 is another one, or a pipe. */
function overSocket(input: Stats, output: Stats | undefined, sshClient: string | undefined): Channel {
  const socket = new net.Socket({ fd: 0, readable: true, writable: true, allowHalfOpen: true });
  if (socket.remoteAddress !== undefined) return socketChannel(socket);
  if (!carriesBytes(output) || output?.ino === input.ino) return socketChannel(socket, sshClient);
  return overPair(socket, sshClient);
}

function overPair(input: net.Socket, sshClient: string | undefined): Channel {
  const output = new net.Socket({ fd: 1, readable: false, writable: true });
  return new StreamChannel(
    { input, output, duplex: () => Duplex.from({ readable: input, writable: output }) },
    { address: sshClient, port: undefined },
  );
}

function carriesBytes(status: Stats | undefined): boolean {
  return status !== undefined && (status.isFIFO() || status.isSocket());
}

function statusOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    // Closed: as unusable as a file.
    return undefined;
  }
}
