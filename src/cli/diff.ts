import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { DiskPath } from '../bytes/bytes.ts';
import type { Log } from '../log/log.ts';

/** Prints what diff(1) says of the peer's content (on its standard input) and our file; nothing when they are equal. */
export async function showDiff(
  theirs: AsyncIterable<Uint8Array>,
  path: DiskPath,
  theirLabel: string,
  ourLabel: string,
  log: Log,
): Promise<void> {
  // Node encodes arguments as UTF-8, which names need not be: the command goes to the shell as a script of bytes.
  const words = ['-Nus', '--label', theirLabel, '-', '--label', ourLabel, '--', path].map(shellWord).join(' ');
  const diff = spawn('/bin/sh', ['/dev/fd/3'], { stdio: ['pipe', 'inherit', 'inherit', 'pipe'] });
  (diff.stdio[3] as Writable).end(Buffer.from(`exec diff ${words} 3<&-\n`, 'latin1'));
  const input = diff.stdio[0] as Writable;
  const ended = once(diff, 'close');
  // diff may end before it has read everything; its exit status says what there is to say.
  input.on('error', () => undefined);
  for await (const bytes of theirs) {
    if (!input.write(bytes)) await Promise.race([once(input, 'drain'), ended]);
  }
  input.end();
  const [code] = (await ended) as [number | null];
  if (code !== 0 && code !== 1) log.error(`diff of ${path} failed.`);
}

/** A word that the shell reads as exactly these bytes. */
function shellWord(bytes: string): string {
  return `'${bytes.replaceAll("'", "'\\''")}'`;
}
