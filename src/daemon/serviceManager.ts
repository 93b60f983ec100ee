import { spawn } from 'node:child_process';
import type { Log } from '../log/log.ts';

/**
 * Tells systemd how this service is, where it wants to know (`Type=notify`). Its socket takes datagrams, which Node cannot
 * send to a Unix socket, so systemd's own program does that, in our name. Nobody waits for it.
 */
export function tellServiceManager(state: 'READY=1' | 'STOPPING=1', log: Log): void {
  if (!process.env['NOTIFY_SOCKET']) return;
  const child = spawn('systemd-notify', [`--pid=${process.pid}`, state], { stdio: 'ignore' });
  child.on('error', (error) =>
    log.error(`Cannot run systemd-notify, so systemd is not told ${state}: ${error.message}`),
  );
  child.unref();
}
