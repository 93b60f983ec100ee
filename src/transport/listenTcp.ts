import net from 'node:net';
import { addressesOf, normaliseAddress } from './addresses.ts';
import { type Channel, ChannelError } from './channel.ts';
import { asChannelError } from './failures.ts';
import { socketChannel } from './socketChannel.ts';

/** Connections that may wait to be accepted; the kernel's own limit may be lower. */
const backlog = 1024;

export interface ListenOptions {
  /** Name or address to listen on; its first address that works is taken. Default: all addresses of this host. */
  readonly address?: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  /** A listening socket that is open already, as systemd hands it over: address and port are not looked at then. */
  readonly fd?: number | undefined;
  onChannel(channel: Channel): void;
  /** Trouble with accepting, after listening began; the listener goes on. */
  onError(error: ChannelError): void;
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** Accepts no more. Channels that were accepted live on; resolves at once, not when they have ended. */
  close(): void;
}

/** Fails with ChannelError RESOLVE or LISTEN, with messages for people. */
export async function listenTcp(options: ListenOptions): Promise<Listener> {
  let failure = new ChannelError('RESOLVE', `Name or service not known: ${options.address}`);
  for (const target of await targets(options)) {
    try {
      return await listen(target, options);
    } catch (error) {
      failure = asChannelError(error, 'LISTEN');
    }
  }
  throw failure;
}

async function targets({ address, port, fd }: ListenOptions): Promise<net.ListenOptions[]> {
  if (fd !== undefined) return [{ ...({ fd } as net.ListenOptions), backlog }];
  // An IPv6 wildcard takes IPv4 too; hosts without IPv6 need the other one.
  const hosts = address === undefined ? ['::', '0.0.0.0'] : await addressesOf(address);
  return hosts.map((host) => ({ host, port, backlog }));
}

function listen(target: net.ListenOptions, options: ListenOptions): Promise<Listener> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    options.onChannel(socketChannel(socket));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(target, () => {
      server.off('error', reject);
      server.on('error', (error) => options.onError(asChannelError(error, 'LISTEN')));
      resolve(listenerOf(server));
    });
  });
}

function listenerOf(server: net.Server): Listener {
  const bound = server.address();
  const known = typeof bound === 'object' && bound !== null;
  return {
    address: known ? normaliseAddress(bound.address) : '',
    port: known ? bound.port : 0,
    close: () => void server.close(),
  };
}
