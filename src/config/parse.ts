import { readFileSync } from 'node:fs';
import { fsPath } from '../bytes/bytes.ts';
import type { Config } from './config.ts';
import type { ConfigError } from './configError.ts';
import { explain } from './explain.ts';
import { interpret } from './interpret.ts';
import { parse, SyntaxError } from './parser.generated.js';
import { Source, type ReadFile } from './source.ts';
import type { RootStatement } from './syntax.ts';

/** Reads and checks a configuration with all its includes. Fails with ConfigError. Keys are not read: groups/ does that. */
export function parseConfig(file: string, read: ReadFile = readFile): Config {
  const source = Source.read(file, read);
  return interpret(file, parseSource(source), source);
}

function readFile(path: string): Uint8Array {
  return readFileSync(fsPath(path));
}

function parseSource(source: Source): readonly RootStatement[] {
  try {
    return parse(source.text);
  } catch (error) {
    throw error instanceof SyntaxError ? syntaxError(error, source) : error;
  }
}

function syntaxError(error: SyntaxError, source: Source): ConfigError {
  const expected = (error.expected ?? []).map(({ description }) => description ?? '');
  const { reason, offset } = explain(source.text, error.location.start.offset, new Set(expected));
  return source.error(reason, offset, error);
}
