import { hidePassword } from '../store/location.ts';
import { toText } from '../bytes/bytes.ts';

/**
 * Overwrites what `ps` shows of this process when its command line has a database URL with a password. What the command
 * line was is visible until then, for some hundredths of a second.
 */
export function hideCommandLine(args: readonly string[], database: string | undefined): void {
  if (database === undefined) return;
  const shown = hidePassword(database);
  if (shown === database) return;
  process.title = ['csync2', ...args.map((arg) => toText(arg.replaceAll(database, shown)))].join(' ');
}
