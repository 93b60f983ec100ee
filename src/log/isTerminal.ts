import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';

/** /dev/null, where cron jobs send much: a character device, and no terminal. */
const nullDevice = 0x103;

/** Whether a descriptor is a terminal. Asks without `node:tty`, which takes its time to load, where it plainly is none. */
export function isTerminal(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    return stats.isCharacterDevice() && stats.rdev !== nullDevice && isatty(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBADF') return false;
    throw error;
  }
}
