import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DeafListener {
  readonly port: number;
  close(): void;
}

/**
 * A listener whose queue is full: the kernel drops further connections in silence. Undefined where none can be made, for want of
 * python3, or since the kernel lets such a queue grow. `port` 0: any that is free.
 */
export async function deafListener(host: string, port: number): Promise<DeafListener | undefined> {
  const program = `import socket,sys; s=socket.socket(); s.bind(('${host}',${port})); s.listen(0); print(s.getsockname()[1], flush=True); sys.stdin.read()`;
  const listener = spawn('python3', ['-c', program], { stdio: ['pipe', 'pipe', 'ignore'] });
  const bound = await Promise.race([
    once(listener.stdout, 'data').then(([chunk]) => Number(chunk)),
    once(listener, 'error').then(() => undefined),
  ]);
  if (bound === undefined) return undefined;
  const fillers = Array.from({ length: 8 }, () => net.connect({ host, port: bound }).on('error', () => undefined));
  const close = (): void => {
    for (const filler of fillers) filler.destroy();
    listener.kill();
  };
  await Promise.race(fillers.map((filler) => once(filler, 'connect')));
  await sleep(100);
  if (fillers.some(({ connecting }) => connecting)) return { port: bound, close };
  close();
  return undefined;
}
