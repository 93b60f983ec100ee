import { fromText, toText } from '../bytes/bytes.ts';
import type { Location } from './location.ts';
import { StoreError, type Store, type StoreOptions } from './store.ts';

/** Opens the database at `location`, creating what is missing. Only the back end in use is loaded. Fails with StoreError. */
export async function openStore(location: Location, options: StoreOptions): Promise<Store> {
  switch (location.backend) {
    case 'sqlite': {
      const { openSqlite } = await import('./sqlite/sqlite.ts');
      return openSqlite(textPath(location.path), options);
    }
    case 'postgres': {
      const { openPostgres } = await import('./postgres/postgres.ts');
      return openPostgres(location, options);
    }
    case 'mysql': {
      const { openMysql } = await import('./mysql/mysql.ts');
      return openMysql(location, options);
    }
  }
}

function textPath(path: string): string {
  const text = toText(path);
  if (fromText(text) !== path)
    throw new StoreError('UNSUPPORTED', `The path of an SQLite database must be UTF-8: ${text}`);
  return text;
}
