import type { Dialect } from '../server/session.ts';
import { escapedPattern, type StoredForm } from '../server/storedForm.ts';

/**
 * Text columns under any deterministic collation: equality is of bytes, order is of bytes when asked for with
 * `COLLATE "C"`. Statements are ASCII; other bytes stand in them as `\xHH`, so the driver's own encoding plays no part.
 */
export function postgresDialect(form: StoredForm): Dialect {
  return {
    form,
    recursive: 'recursive',
    size: 'pg_database_size(current_database())::text',
    count: 'count(*)::text',
    text: literal,
    exact: (column) => `${column} COLLATE "C"`,
    exactText: literal,
    same: (column, other) => `${column} = ${other}`,
    isOneOf: (column, stored) => `${column} IN (${stored.map(literal).join(', ')})`,
    concat: (parts) => `(${parts.join(' || ')})`,
    tab: "E'\\t'",
    mayBeEscaped: (column) => `${column} ~ '${escapedPattern}'`,
  };
}

const plain = /^[ !#-&(-[\]-~]*$/;

function literal(stored: string): string {
  if (plain.test(stored)) return `'${stored}'`;
  const escaped = stored.replace(
    /[^ !#-&(-[\]-~]/g,
    (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `E'${escaped}'`;
}
