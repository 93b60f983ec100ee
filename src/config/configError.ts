import { toText } from '../bytes/bytes.ts';
import type { Position } from './config.ts';

/**
 * A configuration that cannot be used. `message` is a byte string, made for people: `FILE:LINE:COLUMN: reason`, then the
 * line that it is about and a caret below the column. Line and column count from 1 and are 0, and left out of the message,
 * where the file as a whole is meant.
 */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The message without the place. */
  readonly reason: string;

  constructor(reason: string, position: Position, lineText?: string, options?: ErrorOptions) {
    const shown = withoutPasswords(reason);
    super(describe(shown, position, lineText), options);
    this.name = 'ConfigError';
    this.reason = shown;
    ({ file: this.file, line: this.line, column: this.column } = position);
  }
}

function describe(reason: string, { file, line, column }: Position, lineText: string | undefined): string {
  if (line === 0) return reason;
  const message = `${file}:${line}:${column}: ${reason}`;
  return lineText === undefined
    ? message
    : `${message}\n${withoutPasswords(lineText)}\n${caretPad(withoutPasswords(lineText.slice(0, column - 1)))}^`;
}

/** Messages go to logs and mail: what looks like the password in a database URL is left out. */
function withoutPasswords(text: string): string {
  return text.replace(/(\b[a-z0-9+.-]+:\/\/[^:@/\s]*:)(?:.*(?=@)|[^\s"';]*)/g, '$1***');
}

/** As wide as the text before the caret: tabs stay tabs. */
function caretPad(before: string): string {
  return toText(before).replace(/[^\t]/gu, ' ');
}
