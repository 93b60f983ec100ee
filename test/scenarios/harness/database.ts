import Database from 'better-sqlite3';
import { existsSync } from 'node:fs';

/** The rows of one host's state database as byte strings, `column | column`, each table sorted. */
export interface Rows {
  readonly file: readonly string[];
  readonly dirty: readonly string[];
  readonly hint: readonly string[];
  readonly action: readonly string[];
  /** Peers whose certificate is remembered. */
  readonly peers: readonly string[];
}

const none: Rows = { file: [], dirty: [], hint: [], action: [], peers: [] };

export function readRows(path: string): Rows {
  if (!existsSync(path)) return none;
  const database = new Database(path, { readonly: true, timeout: 5000 });
  try {
    const table = (name: string, ...columns: string[]): string[] => readTable(database, name, columns);
    return {
      file: table('file', 'filename', 'checktxt'),
      dirty: table('dirty', 'filename', 'forced', 'myname', 'peername'),
      hint: table('hint', 'filename', 'recursive'),
      action: table('action', 'filename', 'command', 'logfile'),
      peers: table('x509_cert', 'peername'),
    };
  } finally {
    database.close();
  }
}

function readTable(database: Database.Database, table: string, columns: readonly string[]): string[] {
  const known = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table);
  if (known === undefined) return [];
  const bytes = columns.map((column) => `CAST(${column} AS BLOB)`).join(', ');
  const rows = database.prepare(`SELECT ${bytes} FROM ${table}`).raw().all() as (Buffer | null)[][];
  return rows.map((row) => row.map((value) => value?.toString('latin1') ?? 'NULL').join(' | ')).sort();
}

/** Changes one host's database from outside, as another program or an accident would. */
export function alterRows(path: string, sql: string): void {
  const database = new Database(path);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}
