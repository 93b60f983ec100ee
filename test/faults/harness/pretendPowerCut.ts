import Database from 'better-sqlite3';
import type { FaultHost } from './site.ts';

/** The owners of unfinished work become processes of an earlier boot of this host. Returns how many there are. */
export function pretendPowerCut(host: FaultHost): number {
  const database = new Database(host.database);
  try {
    const owners = database.prepare<[], string>('SELECT DISTINCT owner FROM unfinished').pluck().all();
    for (const owner of owners) {
      const earlier = owner.replace(/^(\.csync2\..{8}).{8}/, '$100000000');
      database.prepare('UPDATE unfinished SET owner = ? WHERE owner = ?').run(earlier, owner);
    }
    return owners.length;
  } finally {
    database.close();
  }
}
