import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import type { Writable } from 'node:stream';
import { type DiskPath, fsPath } from '../bytes/bytes.ts';
import { problemFrom } from '../filesystem/problem.ts';
import type { Log } from '../log/log.ts';

/**
 * Prints what diff(1) says of the peer's content (on its standard input) and our file; nothing when they are equal. What has no
 * content that could be read to its end, as a FIFO, counts as empty, as it does for the peer.
 */
export async function showDiff(
  theirs: AsyncIterable<Uint8Array>,
  path: DiskPath,
  theirLabel: string,
  ourLabel: string,
  log: Log,
): Promise<void> {
  // Node encodes arguments as UTF-8, which names need not be: the command goes to the shell as a script of bytes.
  const words = ['-Nus', '--label', theirLabel, '-', '--label', ourLabel, '--', readable(path)]
    .map(shellWord)
    .join(' ');
  const diff = spawn('/bin/sh', ['-c', 'eval "$(cat <&3)"'], { stdio: ['pipe', 'inherit', 'inherit', 'pipe'] });
  const script = diff.stdio[3] as Writable;
  // A shell that does not start, or a diff that ends early, shows in the exit status.
  script.on('error', () => undefined);
  script.end(Buffer.from(`exec diff ${words} 3<&-\n`, 'latin1'));
  const input = diff.stdio[0] as Writable;
  const ended = once(diff, 'close');
  // diff may end before it has read everything; its exit status says what there is to say.
  input.on('error', () => undefined);
  try {
    for await (const bytes of theirs) {
      if (!input.write(bytes)) await Promise.race([once(input, 'drain'), ended]);
    }
  } catch (error) {
    // It must neither wait for the rest nor compare what there is.
    diff.kill('SIGKILL');
    await ended;
    throw error;
  }
  input.end();
  const [code] = (await ended) as [number | null];
  // 2 is trouble with one file, which diff has told about itself; anything above means that it did not run.
  if (code === null || code > 2) log.error(`diff of ${path} failed.`);
}

/** For diff, which follows links. */
function readable(path: DiskPath): string {
  try {
    const stats = fs.statSync(fsPath(path), { throwIfNoEntry: false });
    return stats === undefined || stats.isFile() || stats.isDirectory() ? path : '/dev/null';
  } catch (error) {
    problemFrom(error, path);
    return path; // diff meets the same trouble and tells of it
  }
}

/** A word that the shell reads as exactly these bytes. */
function shellWord(bytes: string): string {
  return `'${bytes.replaceAll("'", "'\\''")}'`;
}
