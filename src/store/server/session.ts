import type { StoredForm } from './storedForm.ts';

/** What differs between the servers' SQL. Column arguments are column names of ours, never data. */
export interface Dialect {
  readonly form: StoredForm;
  /** The `hint.recursive` column; the word is reserved on some servers. */
  readonly recursive: string;
  /** An expression of the bytes that the database takes, as text. */
  readonly size: string;
  /** An expression of the number of rows, as text. */
  readonly count: string;
  /** A literal of this stored form, safe whatever bytes are in it. */
  text(stored: string): string;
  /** An expression of the column that compares and sorts bytewise. */
  exact(column: string): string;
  /** A literal to compare with `exact(…)`. */
  exactText(stored: string): string;
  /** Exact comparison of two columns, by way of an index where there is one. */
  same(column: string, other: string): string;
  /** Whether the column is exactly one of these literals of `text`, by way of an index. */
  isOneOf(column: string, stored: readonly string[]): string;
  /** Bytewise comparable concatenation of expressions. */
  concat(parts: readonly string[]): string;
  /** A literal of the byte 0x09, as a part of `concat`. */
  readonly tab: string;
  /** Whether the column may hold escaped bytes. */
  mayBeEscaped(column: string): string;
}

/** What to do about an error: wait and start over, give up waiting, or pass it on. */
export type ErrorKind = 'RETRY' | 'LOCKED' | 'CONNECTION' | 'KEY_TOO_LONG' | 'OTHER';

/** One connection, used by one caller at a time. */
export interface Session {
  readonly dialect: Dialect;
  /** Runs a query with one column, made by `dialect.concat`, named `line`; a byte string a row, in the query's order. */
  lines(select: string): Promise<string[]>;
  /** Begins a transaction that no other csync2 of this kind is in the middle of. */
  begin(): Promise<void>;
  /** As few round trips as possible. */
  run(statements: readonly string[]): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Makes room for keys that the server's index cannot hold. */
  allowLongKeys(): Promise<void>;
  kindOf(error: unknown): ErrorKind;
  close(): Promise<void>;
}

/** Rows a page. */
export const pageRows = 16384;
