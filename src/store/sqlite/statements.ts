import type { Statement } from 'better-sqlite3';

import { isAscii } from '../../bytes/bytes.ts';
import { keep, type Connection } from './database.ts';

/**
 * A byte string as a parameter: ASCII as it is, else as a blob of its bytes. Every statement casts its parameters to
 * TEXT, which changes neither, so all values in the tables are TEXT of exactly these bytes, as the C program writes them.
 */
export type Bound = string | Buffer;

export function bound(bytes: string): Bound {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1');
}

/** Rows a page. Larger ones are no faster, and take more memory. */
export const filesPerPage = 512;
export const dirtyPerPage = 8192;

/** In the tables no encoded string holds a byte below 0x21, so these part fields and rows unmistakably. */
export const fieldEnd = '\t';
export const rowEnd = '\n';

const text = 'CAST(? AS TEXT)';
/** An upper bound: NULL stands for "none", since every blob sorts after every text. */
const upper = "ifnull(CAST(? AS TEXT), x'')";

/** A page as one blob: handing over a value a row would cost twice the time. */
const filePage = `
  SELECT CAST(group_concat(ifnull(checktxt, '') || char(9) || filename || char(10), '') AS BLOB), count(*)
  FROM (SELECT filename, checktxt FROM file WHERE filename >= ${text} AND filename < ${upper}
        ORDER BY filename LIMIT CAST(? AS INTEGER))`;

const dirtyNames = `
  SELECT CAST(group_concat(filename, char(10)) AS BLOB), count(*)
  FROM (SELECT DISTINCT filename FROM dirty WHERE filename >= ${text} AND filename < ${upper}
        ORDER BY filename LIMIT CAST(? AS INTEGER))`;

function dirtyPage(where: string, direction: string): string {
  return `
  SELECT CAST(group_concat(filename || char(9) || peername || char(9) || ifnull(myname, '') || char(9) ||
                           isForced || ifnull(char(9) || checktxt, ''), char(10)) AS BLOB)
  FROM (SELECT dirty.filename, peername, myname, CAST(ifnull(forced, 0) AS INTEGER) <> 0 AS isForced,
               iif(file.filename IS NULL, NULL, ifnull(checktxt, '')) AS checktxt
        FROM dirty LEFT JOIN file ON file.filename = dirty.filename
        WHERE ${where} AND (@peer IS NULL OR peername = CAST(@peer AS TEXT))
        ORDER BY dirty.filename ${direction}, peername LIMIT ${dirtyPerPage})`;
}

const after = '(dirty.filename, peername) > (CAST(@name AS TEXT), CAST(@lastPeer AS TEXT))';
const before = `dirty.filename <= ifnull(CAST(@name AS TEXT), x'')
  AND (dirty.filename < ifnull(CAST(@name AS TEXT), x'') OR peername > ifnull(CAST(@lastPeer AS TEXT), x''))`;

/** Parameters of a page of dirty rows: what comes after (`name`, `lastPeer`) in its order, up to `end`. */
export interface DirtyParameters {
  readonly name: Bound | null;
  readonly lastPeer: Bound | null;
  readonly end: Bound | null;
  readonly peer: Bound | null;
}

type Write<Parameters extends unknown[]> = Statement<Parameters, never>;

export type Statements = ReturnType<typeof prepareStatements>;

const unfinishedRows =
  'SELECT CAST(owner AS BLOB), CAST(kind AS BLOB), CAST(subject AS BLOB), CAST(checktxt AS BLOB) FROM unfinished';

/** All statements of a store. They stay for as long as the connection: preparing costs more than running. */
export function prepareStatements(connection: Connection) {
  const pluck = <Parameters extends unknown[], Value>(sql: string): Statement<Parameters, Value> =>
    keep(connection.prepare<Parameters, Value>(sql)).pluck();
  const raw = <Parameters extends unknown[], Row>(sql: string): Statement<Parameters, Row> =>
    keep(connection.prepare<Parameters, Row>(sql)).raw();
  const write = <Parameters extends unknown[]>(sql: string): Write<Parameters> =>
    keep(connection.prepare<Parameters, never>(sql));
  return {
    filePage: raw<[Bound, Bound | null, number], [Buffer | null, number]>(filePage),
    checktxt: pluck<[Bound], Buffer>(`SELECT CAST(ifnull(checktxt, '') AS BLOB) FROM file WHERE filename = ${text}`),

    nameAfter: pluck<[Bound, Bound | null, number], Buffer>(
      `SELECT CAST(filename AS BLOB) FROM file WHERE filename >= ${text} AND filename < ${upper}
       ORDER BY filename LIMIT 1 OFFSET CAST(? AS INTEGER)`,
    ),
    fileCount: pluck<[Bound, Bound | null], number>(
      `SELECT count(*) FROM file WHERE filename >= ${text} AND filename < ${upper}`,
    ),

    dirtyAscending: pluck<[DirtyParameters], Buffer | null>(
      dirtyPage(`${after} AND dirty.filename < ifnull(CAST(@end AS TEXT), x'')`, 'ASC'),
    ),
    dirtyDescending: pluck<[DirtyParameters], Buffer | null>(
      dirtyPage(`${before} AND dirty.filename >= CAST(@end AS TEXT)`, 'DESC'),
    ),
    dirtyPeers: pluck<[], Buffer>(
      'SELECT CAST(peername AS BLOB) FROM (SELECT DISTINCT peername FROM dirty) WHERE peername IS NOT NULL ORDER BY peername',
    ),
    dirtyNames: raw<[Bound, Bound, number], [Buffer | null, number]>(dirtyNames),
    dirtyCounts: raw<[Bound, Bound | null], [Buffer, number]>(
      `SELECT CAST(peername AS BLOB), count(*) FROM dirty
       WHERE filename >= ${text} AND filename < ${upper} AND peername IS NOT NULL GROUP BY peername`,
    ),
    isDirty: pluck<[Bound], number>(`SELECT 1 FROM dirty WHERE filename = ${text} LIMIT 1`),

    hints: raw<[], [Buffer, number]>(
      `SELECT CAST(filename AS BLOB), CAST(ifnull(recursive, 0) AS INTEGER) <> 0
       FROM hint WHERE filename IS NOT NULL ORDER BY filename, 2`,
    ),
    actions: raw<[], [Buffer, Buffer, Buffer]>(
      `SELECT CAST(filename AS BLOB), CAST(command AS BLOB), CAST(ifnull(logfile, '') AS BLOB)
       FROM action WHERE filename IS NOT NULL AND command IS NOT NULL ORDER BY command, ifnull(logfile, ''), filename`,
    ),
    certificate: pluck<[Bound], Buffer>(
      `SELECT CAST(ifnull(certdata, '') AS BLOB) FROM x509_cert WHERE peername = ${text}`,
    ),
    certificates: raw<[], [Buffer, Buffer]>(
      `SELECT CAST(peername AS BLOB), CAST(ifnull(certdata, '') AS BLOB) FROM x509_cert
       WHERE peername IS NOT NULL ORDER BY peername`,
    ),

    marks: raw<[], [Buffer, number, Buffer]>(
      `SELECT CAST(peername AS BLOB), CAST(moment AS INTEGER), CAST(names AS BLOB) FROM marked
       WHERE peername IS NOT NULL AND names IS NOT NULL ORDER BY CAST(moment AS INTEGER) DESC, rowid DESC`,
    ),
    noteMarks: write<[Bound, number, Bound]>(
      `INSERT INTO marked (peername, moment, names) VALUES (${text}, CAST(? AS INTEGER), ${text})`,
    ),
    tidyMarks: write<[]>(
      'DELETE FROM marked WHERE NOT EXISTS (SELECT 1 FROM dirty WHERE dirty.peername = marked.peername)',
    ),
    dropMarks: write<[number]>('DELETE FROM marked WHERE moment < CAST(? AS INTEGER)'),

    contacts: raw<[], [Buffer, number | null, number | null, Buffer | null]>(
      `SELECT CAST(peername AS BLOB), CAST(reached AS INTEGER), CAST(failed AS INTEGER), CAST(trouble AS BLOB)
       FROM contact WHERE peername IS NOT NULL ORDER BY peername`,
    ),

    unfinished: raw<[], [Buffer, Buffer, Buffer, Buffer]>(`${unfinishedRows} ORDER BY rowid`),
    unfinishedOf: raw<[string], [Buffer, Buffer, Buffer, Buffer]>(`${unfinishedRows} WHERE kind = ? ORDER BY rowid`),
    beginWork: write<[Bound, Bound, Bound, Bound]>(
      `INSERT INTO unfinished (owner, kind, subject, checktxt) VALUES (${text}, ${text}, ${text}, ${text})`,
    ),
    endWork: write<[Bound, Bound]>(`DELETE FROM unfinished WHERE owner = ${text} AND kind = ${text}`),

    mounts: pluck<[], Buffer>('SELECT CAST(path AS BLOB) FROM mounted WHERE path IS NOT NULL ORDER BY path'),
    noteMount: write<[Bound]>(`INSERT OR IGNORE INTO mounted (path) VALUES (${text})`),
    dropMount: write<[Bound]>(`DELETE FROM mounted WHERE path = ${text}`),
    young: raw<[], [Buffer, Buffer]>(
      `SELECT CAST(filename AS BLOB), CAST(ifnull(stamp, '') AS BLOB) FROM young WHERE filename IS NOT NULL`,
    ),
    stamp: raw<[Bound], [Buffer, Buffer]>(
      `SELECT CAST(filename AS BLOB), CAST(ifnull(stamp, '') AS BLOB) FROM young WHERE filename = ${text}`,
    ),
    noteYoung: write<[Bound, Bound]>(`INSERT OR REPLACE INTO young (filename, stamp) VALUES (${text}, ${text})`),
    dropYoung: write<[Bound]>(`DELETE FROM young WHERE filename = ${text}`),

    beginReading: write<[]>('BEGIN DEFERRED'),
    begin: write<[]>('BEGIN IMMEDIATE'),
    commit: write<[]>('COMMIT'),
    rollback: write<[]>('ROLLBACK'),
    putFile: write<[Bound, Bound]>(`INSERT OR REPLACE INTO file (filename, checktxt) VALUES (${text}, ${text})`),
    dropFile: write<[Bound]>(`DELETE FROM file WHERE filename = ${text}`),
    markDirty: write<[Bound, number, Bound, Bound]>(
      `INSERT OR REPLACE INTO dirty (filename, forced, myname, peername)
       VALUES (${text}, CAST(? AS INTEGER), ${text}, ${text})`,
    ),
    clearDirty: write<[Bound, Bound]>(`DELETE FROM dirty WHERE filename = ${text} AND peername = ${text}`),
    clearDirtyIf: write<[Bound, Bound, Bound, Bound | null]>(
      `DELETE FROM dirty WHERE filename = ${text} AND peername = ${text}
       AND (SELECT ifnull(checktxt, '') FROM file WHERE filename = ${text}) IS ${text}`,
    ),
    clearAllDirty: write<[Bound]>(`DELETE FROM dirty WHERE filename = ${text}`),
    forceDirty: write<[Bound, Bound | null]>(
      `UPDATE dirty SET forced = 1 WHERE filename >= ${text} AND filename < ${upper}`,
    ),
    putHint: write<[Bound, number]>(
      `INSERT OR IGNORE INTO hint (filename, recursive) VALUES (${text}, CAST(? AS INTEGER))`,
    ),
    dropHint: write<[Bound, number]>(
      `DELETE FROM hint WHERE filename = ${text} AND (CAST(ifnull(recursive, 0) AS INTEGER) <> 0) = CAST(? AS INTEGER)`,
    ),
    queueAction: write<[Bound, Bound, Bound]>(
      `INSERT OR IGNORE INTO action (filename, command, logfile) VALUES (${text}, ${text}, ${text})`,
    ),
    dropAction: write<[Bound, Bound, Bound]>(
      `DELETE FROM action WHERE filename = ${text} AND command = ${text} AND ifnull(logfile, '') = ${text}`,
    ),
    putCertificate: write<[Bound, Bound]>(
      `INSERT OR REPLACE INTO x509_cert (peername, certdata) VALUES (${text}, ${text})`,
    ),
    noteReached: write<[Bound, number]>(
      `INSERT INTO contact (peername, reached) VALUES (${text}, CAST(? AS INTEGER))
       ON CONFLICT (peername) DO UPDATE SET reached = excluded.reached`,
    ),
    noteFailed: write<[Bound, number, Bound]>(
      `INSERT INTO contact (peername, failed, trouble) VALUES (${text}, CAST(? AS INTEGER), ${text})
       ON CONFLICT (peername) DO UPDATE SET failed = excluded.failed, trouble = excluded.trouble`,
    ),
    dropCertificate: write<[Bound]>(`DELETE FROM x509_cert WHERE peername = ${text}`),
  };
}
