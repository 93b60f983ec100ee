import type net from 'node:net';
import { normaliseAddress } from './addresses.ts';
import type { Channel } from './channel.ts';
import { StreamChannel } from './streamChannel.ts';

/** Milliseconds of silence after which the kernel asks whether the peer is still there. */
const keepAliveAfter = 60_000;

/** A connected socket, TCP or Unix, opened with `allowHalfOpen`. `address` overrides what the socket says. */
export function socketChannel(socket: net.Socket, address?: string): Channel {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveAfter);
  const { remoteAddress, remotePort } = socket;
  return new StreamChannel(
    { input: socket, output: socket, duplex: () => socket },
    {
      address: address ?? (remoteAddress === undefined ? undefined : normaliseAddress(remoteAddress)),
      port: remotePort,
    },
  );
}
