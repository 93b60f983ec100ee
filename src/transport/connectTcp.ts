import net from 'node:net';
import type { Log } from '../log/log.ts';
import { boundTo, connectTo } from '../log/messages.ts';
import { addressesOf } from './addresses.ts';
import { type Channel, ChannelError } from './channel.ts';
import { asChannelError } from './failures.ts';
import { socketChannel } from './socketChannel.ts';

export interface ConnectOptions {
  /** Name or address. */
  readonly host: string;
  readonly port: number;
  /** Name or address to connect from. Only tried: when it cannot be had, the kernel chooses. */
  readonly localAddress?: string | undefined;
  /** Seconds for everything, name resolution included. Default 10. */
  readonly connectTimeout?: number | undefined;
  /** Seconds, see Channel.setIdleTimeout. Default: none. */
  readonly idleTimeout?: number | undefined;
  readonly log: Log;
}

export interface Connection {
  readonly channel: Channel;
  readonly localAddress: string;
  readonly remoteAddress: string;
}

/**
 * Connects to the first address of a host that answers; each gets an equal share of the time that is left. Fails with
 * ChannelError RESOLVE, CONNECT or CONNECT_TIMEOUT, with messages for people.
 */
export async function connectTcp(options: ConnectOptions): Promise<Connection> {
  const deadline = performance.now() + (options.connectTimeout ?? 10) * 1000;
  const [remotes, locals] = await resolveBoth(options, deadline);
  let failure = new ChannelError('RESOLVE', `Name or service not known: ${options.host}`);
  for (const [index, remote] of remotes.entries()) {
    const share = (deadline - performance.now()) / (remotes.length - index);
    const local = locals.find((address) => net.isIP(address) === net.isIP(remote));
    try {
      const socket = await open(options, remote, local, Math.max(1, share));
      const channel = socketChannel(socket);
      if (options.idleTimeout !== undefined) channel.setIdleTimeout(options.idleTimeout);
      options.log.write(1, connectTo(remote, options.port, options.host));
      return { channel, localAddress: socket.localAddress ?? '', remoteAddress: remote };
    } catch (error) {
      failure = asChannelError(error, 'CONNECT');
    }
  }
  throw failure;
}

async function resolveBoth(options: ConnectOptions, deadline: number): Promise<[string[], string[]]> {
  const { host, localAddress, log } = options;
  const both = Promise.all([addressesOf(host), localAddress === undefined ? [] : addressesOf(localAddress)]);
  const [remotes, locals] = await before(deadline, both, `No answer in time about the name ${host}`);
  if (localAddress !== undefined && locals.length === 0) {
    log.write(1, `No address is known for ${localAddress} to bind to; ignored.`);
  }
  return [remotes, locals];
}

/** One attempt, bound to `local` if that works. Milliseconds. */
async function open(
  options: ConnectOptions,
  remote: string,
  local: string | undefined,
  time: number,
): Promise<net.Socket> {
  if (local === undefined) return attempt({ host: remote, port: options.port }, time);
  try {
    const socket = await attempt({ host: remote, port: options.port, localAddress: local }, time);
    options.log.write(1, boundTo(local, 0, options.localAddress ?? local));
    return socket;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== 'bind') throw error;
    options.log.write(1, `Cannot bind to ${local}; ignored.`);
    return attempt({ host: remote, port: options.port }, time);
  }
}

/** Rejects with the system's error, or ChannelError CONNECT_TIMEOUT. */
function attempt(target: net.TcpNetConnectOpts, time: number): Promise<net.Socket> {
  const socket = net.connect({ ...target, allowHalfOpen: true, noDelay: true });
  return new Promise<net.Socket>((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new ChannelError('CONNECT_TIMEOUT', 'Connection timed out')), time);
    const failed = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

async function before<T>(deadline: number, work: Promise<T>, lateText: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const time = Math.max(1, deadline - performance.now());
    timer = setTimeout(() => reject(new ChannelError('RESOLVE', lateText)), time);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
