const token = /"[^"]*"?|[@;()]|(?::*[^:@;()#" \t\r\n])+|:/y;
const blank = /(?:[ \t\r\n]+|#[^\n]*|"")*/y;

/** What can stand where a statement is expected, for messages. */
const statements: Readonly<Record<string, string>> = {
  'a statement':
    'group, prefix, nossl, config, ignore, tempdir, lock-timeout, database, ' +
    'ssl-cert, ssl-key, ssl-ca, tls-min, max-sessions, max-sessions-per-address, max-line, max-path, max-arguments, ' +
    'max-size, login-timeout, idle-timeout, connect-timeout',
  'a group statement': 'host, key, include, exclude, compare, auto, backup-directory, backup-generations, action',
  'an action statement': 'pattern, exec, logfile, do-local, do-local-only',
};

/**
 * Says in plain words what is wrong at `offset`, where the parser would have taken any of `expected` (the names that the
 * grammar gives to its tokens). `offset` in the answer is where to point.
 */
export function explain(
  text: string,
  offset: number,
  expected: ReadonlySet<string>,
): { reason: string; offset: number } {
  const found = tokenAt(text, offset);
  if (found.startsWith('"') && (found.length === 1 || !found.endsWith('"'))) {
    return { reason: 'this quotation mark is never closed.', offset };
  }
  const statement = Object.keys(statements).find((name) => expected.has(name));
  if (statement !== undefined && /^[^@;():{}"]/.test(found)) {
    const known = statements[statement] as string;
    return { reason: `unknown statement '${found}': ${statement} begins with ${known}.`, offset };
  }
  return { reason: `expected ${inWords(expected)}${after(text, offset)}, found ${naming(found)}.`, offset };
}

/** A missing semicolon is the usual mistake, and is named alone. */
function inWords(expected: ReadonlySet<string>): string {
  if (expected.has("';'")) return expected.has('a word') && expected.size === 2 ? "';' or another word" : "';'";
  const names = [...expected].filter((name) => name !== 'white space' && name !== '').sort();
  const last = names.pop() ?? 'something else';
  return names.length === 0 ? last : `${names.join(', ')} or ${last}`;
}

function naming(found: string): string {
  return found === '' ? 'the end of the file' : found.startsWith('"') ? found : `'${found}'`;
}

function tokenAt(text: string, offset: number): string {
  token.lastIndex = offset;
  return token.exec(text)?.[0] ?? '';
}

/** ` after 'x'`, x being the last token before the offset. */
function after(text: string, offset: number): string {
  let last = '';
  for (let at = 0; at < offset;) {
    blank.lastIndex = at;
    at += (blank.exec(text) as RegExpExecArray)[0].length;
    if (at >= offset) break;
    last = tokenAt(text, at);
    at += Math.max(1, last.length);
  }
  return last === '' ? '' : ` after ${naming(last)}`;
}
