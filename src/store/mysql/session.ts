import type { Connection, QueryOptions, QueryResult, RowDataPacket } from 'mysql2/promise';

import { codeOf } from '../server/failures.ts';
import type { Dialect, ErrorKind, Session } from '../server/session.ts';
import type { StoreOptions } from '../store.ts';

/** The lock that our batches on this database take. Lock names are known to the whole server and short. */
const batchLock = "CONCAT('csync2:', MD5(DATABASE()))";

/** Characters of SQL a round trip: well below the smallest usual `max_allowed_packet`. */
const packetSize = 900_000;

const kinds: Readonly<Record<string, ErrorKind | undefined>> = {
  ER_LOCK_DEADLOCK: 'RETRY',
  ER_CHECKREAD: 'RETRY',
  ER_LOCK_WAIT_TIMEOUT: 'LOCKED',
  ER_SERVER_SHUTDOWN: 'CONNECTION',
  ER_CONNECTION_KILLED: 'CONNECTION',
  PROTOCOL_CONNECTION_LOST: 'CONNECTION',
  PROTOCOL_SEQUENCE_TIMEOUT: 'CONNECTION',
};

export class MysqlSession implements Session {
  readonly dialect: Dialect;
  readonly #connection: Connection;
  readonly #lockTimeout: number;
  #lost = false;

  constructor(connection: Connection, dialect: Dialect, options: StoreOptions) {
    this.#connection = connection;
    this.dialect = dialect;
    this.#lockTimeout = Math.max(0, Math.ceil(options.lockTimeout));
    connection.on('error', () => (this.#lost = true));
    connection.on('end', () => (this.#lost = true));
  }

  async lines(select: string): Promise<string[]> {
    const [rows] = await this.#query<RowDataPacket[][]>({ sql: select, rowsAsArray: true });
    return rows.map((row) => (row[0] as unknown as Buffer).toString('latin1'));
  }

  async begin(): Promise<void> {
    const sql = `SELECT GET_LOCK(${batchLock}, ${this.#lockTimeout})`;
    const [rows] = await this.#query<RowDataPacket[][]>({ sql, rowsAsArray: true });
    if (Number(rows[0]?.[0]) !== 1) {
      throw Object.assign(new Error('another csync2 is writing'), { code: 'ER_LOCK_WAIT_TIMEOUT' });
    }
    await this.#query('START TRANSACTION');
  }

  async run(statements: readonly string[]): Promise<void> {
    let packet = '';
    for (const statement of statements) {
      if (packet !== '' && packet.length + statement.length > packetSize) {
        await this.#query(packet);
        packet = '';
      }
      packet += packet === '' ? statement : `;\n${statement}`;
    }
    if (packet !== '') await this.#query(packet);
  }

  async commit(): Promise<void> {
    await this.#query(`COMMIT; DO RELEASE_LOCK(${batchLock})`);
  }

  async rollback(): Promise<void> {
    await this.#query(`ROLLBACK; DO RELEASE_LOCK(${batchLock})`);
  }

  /** Keys are prefixes here: there is no longest one. */
  async allowLongKeys(): Promise<void> {
    return;
  }

  kindOf(error: unknown): ErrorKind {
    const code = codeOf(error);
    const known = kinds[code];
    if (known !== undefined) return known;
    return this.#lost || /^E[A-Z]+$/.test(code) ? 'CONNECTION' : 'OTHER';
  }

  /** Remembers that the connection is gone: later errors on it say so less clearly. */
  async #query<Rows extends QueryResult>(query: string | QueryOptions): Promise<[Rows, unknown]> {
    try {
      return typeof query === 'string'
        ? await this.#connection.query<Rows>(query)
        : await this.#connection.query<Rows>(query);
    } catch (error) {
      if ((error as { fatal?: unknown }).fatal === true) this.#lost = true;
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#lost) this.#connection.destroy();
    else await this.#connection.end();
  }
}
