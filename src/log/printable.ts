const control = /[\0-\x1f\x7f]/g;
const beyondLines = /[\0-\x08\x0b-\x1f\x7f]/g;

/**
 * What others have written, as file names and answers, for a place where lines and control characters mean something: a newline
 * as `\n`, other control characters in octal.
 */
export function printable(text: string): string {
  return text.replace(control, shown);
}

/** Lines for a terminal, which is to do nothing but show them. */
export function forTerminal(lines: string): string {
  return lines.replace(beyondLines, shown);
}

function shown(byte: string): string {
  return byte === '\n' ? '\\n' : `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`;
}
