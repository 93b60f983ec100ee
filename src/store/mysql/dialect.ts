import type { Dialect } from '../server/session.ts';
import { anyBytes, charactersOnly, escapedPattern, type StoredForm } from '../server/storedForm.ts';

/** The characters beyond ASCII that MySQL's `latin1`, which is Windows-1252, can hold. */
const latin1 = /[\u00a0-\u00ff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]/;

/** What fits into a column of this character set (null: a binary one), undefined when we do not know. */
export function storedFormOf(characterSet: string | null): StoredForm | undefined {
  switch (characterSet) {
    case null:
    case 'binary':
      return anyBytes;
    case 'utf8mb4':
      return charactersOnly();
    case 'utf8mb3':
    case 'utf8':
      return charactersOnly((character) => (character.codePointAt(0) ?? 0) <= 0xffff);
    case 'latin1':
      return charactersOnly((character) => latin1.test(character));
    case 'ascii':
      return charactersOnly(() => false);
    default:
      return undefined;
  }
}

export function mysqlDialect(form: StoredForm): Dialect {
  return form.limited ? characterDialect(form) : binaryDialect;
}

const plain = /^[A-Za-z0-9/%._+=,:@~-]*$/;

function bytesLiteral(stored: string): string {
  return plain.test(stored) ? `'${stored}'` : `x'${Buffer.from(stored, 'latin1').toString('hex')}'`;
}

function list(literals: readonly string[]): string {
  return `(${literals.join(', ')})`;
}

const common = {
  recursive: '`recursive`',
  size:
    '(SELECT CAST(COALESCE(SUM(data_length + index_length), 0) AS CHAR) FROM information_schema.tables' +
    ' WHERE table_schema = DATABASE())',
  count: 'CAST(COUNT(*) AS CHAR)',
  exactText: bytesLiteral,
  tab: "x'09'",
  mayBeEscaped: (column: string) => `${column} REGEXP '${escapedPattern}'`,
} as const;

/** Binary columns, as we make them: they compare and sort by bytes, all of them. */
const binaryDialect: Dialect = {
  ...common,
  form: anyBytes,
  text: bytesLiteral,
  exact: (column) => column,
  same: (column, other) => `${column} = ${other}`,
  isOneOf: (column, stored) => `${column} IN ${list(stored.map(bytesLiteral))}`,
  concat: (parts) => `CONCAT(${parts.join(', ')})`,
};

/**
 * Character columns, as the C program makes them where the server's default is a character set. It talks UTF-8, so that
 * is how what it wrote must be read, whatever the column's set. Their collations ignore case and trailing blanks: the
 * index finds what may be meant, then the bytes are compared.
 */
function characterDialect(form: StoredForm): Dialect {
  const exact = (expression: string): string => `CAST(CONVERT(${expression} USING utf8mb4) AS BINARY)`;
  const text = (stored: string): string => {
    const literal = bytesLiteral(stored);
    return literal.startsWith('x') ? `_utf8mb4 ${literal}` : literal;
  };
  return {
    ...common,
    form,
    text,
    exact,
    same: (column, other) => `(${column} = ${other} AND ${exact(column)} = ${exact(other)})`,
    isOneOf: (column, stored) =>
      `(${column} IN ${list(stored.map(text))} AND ${exact(column)} IN ${list(stored.map(bytesLiteral))})`,
    concat: (parts) => `CONCAT(${parts.map(exact).join(', ')})`,
  };
}
