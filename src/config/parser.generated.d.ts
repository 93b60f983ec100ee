/** The parser that `npm run generate` makes of grammar/csync2cfg.peggy. */
import type { RootStatement } from './syntax.ts';

export function parse(input: string): readonly RootStatement[];

export class SyntaxError extends globalThis.SyntaxError {
  readonly expected: readonly { readonly type: string; readonly description?: string }[] | null;
  readonly found: string | null;
  readonly location: { readonly start: { readonly offset: number } };
}
