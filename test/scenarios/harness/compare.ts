import type { HostState, Step, World } from './world.ts';

/** Parts of a step that a scenario may exempt from comparison, with the reason beside it. */
export type Part = 'code' | 'stdout' | 'messages' | 'tree' | 'backup' | 'out' | 'file' | 'dirty' | 'served' | 'wire';

/**
 * Differences between a run and the reference, empty when there are none. Tolerated everywhere:
 * - times of directories and links (not recorded);
 * - the order of messages, and repeated messages of servers;
 * - `type=lnk` rows where one side has an empty target: the C program leaves it out under a prefix;
 * - requests for signatures that our client sends ahead, before the directory is there: `Parent dir missing.` or
 *   `Not a directory` for `path_not_found`;
 * - SETOWN and SETMOD that our client sent before it knew that the command before them was refused;
 * - link targets in answers to SIG, as in rows;
 * - the order in which our client comes to its files, and in which -o and -TT show them;
 * - how many errors a run counts, if any: some count twice in the C program, some never;
 * - more explanation on stderr: what the peer answered, and for which file;
 * - commands that the C program answers with `Unknown command!`, or not at all when it has just ended: our side asking whether
 *   the peer can do more;
 * - control characters in what servers log: ours shows them, so that each message is one line;
 * - all wire traffic where no C program takes part.
 */
export function differences(
  reference: readonly Step[],
  other: readonly Step[],
  pairing: World['pairing'],
  exempt: ReadonlySet<Part>,
): string[] {
  const found: string[] = [];
  const wire = pairing.acting === 'c' || pairing.others === 'c';
  const check = (part: Part, where: string, want: readonly string[], have: readonly string[]): void => {
    if (!exempt.has(part)) found.push(...lineDifferences(`${where}, ${part}`, want, have));
  };
  reference.forEach((want, at) => {
    const have = other[at];
    const where = `step ${at + 1} (${want.command})`;
    if (have === undefined) {
      found.push(`${where} did not run`);
      return;
    }
    check('code', where, [String(want.code)], [String(have.code)]);
    check('stdout', where, ...([want, have].map(output) as [readonly string[], readonly string[]]));
    check('messages', where, messages(want), messages(have));
    want.hosts.forEach((host, number) => {
      const state = have.hosts[number] as HostState;
      const on = `${where} on host ${number + 1}`;
      for (const part of ['tree', 'backup', 'out'] as const) check(part, on, host[part], state[part]);
      check('served', on, withoutControl(host.served), withoutControl(state.served));
      check('file', on, ...withoutMissingTargets(host.rows.file, state.rows.file));
      for (const table of ['dirty', 'hint', 'action', 'peers'] as const) {
        check('dirty', `${on}, table ${table}`, host.rows[table], state.rows[table]);
      }
      if (wire && !usesExtension(state.wire))
        check('wire', on, ...bothLikeC(host.wire, state.wire, pairing.acting === 'ours'));
    });
  });
  return found;
}

/** A conversation between two hosts of ours, which may send a file in one request: no C program takes part. */
function usesExtension(wire: readonly string[]): boolean {
  return wire.some((line) => /: .*\b(XPUT|XDEL) /.test(line));
}

/** Lists that the C program makes in the order of its own walk are compared without order. */
function output(step: Step): readonly string[] {
  return /csync2 -(o|TT)/.test(step.command) ? [...step.stdout].sort() : step.stdout;
}

function messages(step: Step): string[] {
  const lines = step.messages
    .filter((line) => !/^(ERROR from peer|While syncing file)/.test(line))
    .map((line) => line.replace(/^Finished with [1-9]\d* errors/, 'Finished with errors'));
  return [...new Set(lines)];
}

/** Messages up to the first control character, as it is or as ours shows it; of the C program those with a carriage return are lost. */
function withoutControl(served: readonly string[]): string[] {
  const whole = served.filter((line) => !line.includes('\\015'));
  return [...new Set(whole.map((line) => line.split(/[\0-\x1f\x7f]|\\n|\\\d{3}/)[0] as string))].sort();
}

/** Our client works on several files at once: what it says about each file counts, not which file comes first. */
function bothLikeC(a: readonly string[], b: readonly string[], anyOrder: boolean): [string[], string[]] {
  const order = (wire: string[]): string[] => {
    const fileOf = (line: string): string => line.slice(0, line.indexOf(': '));
    return anyOrder ? wire.sort((x, y) => (fileOf(x) < fileOf(y) ? -1 : fileOf(x) > fileOf(y) ? 1 : 0)) : wire;
  };
  return [order(likeC(a)), order(likeC(b))];
}

/** Traffic as the C program would have caused it, see above. */
function likeC(wire: readonly string[]): string[] {
  const refused = new Set<string>();
  return wire.flatMap((line) => {
    const [, file = '', command = '', reply = ''] = /^(.*?): (\S+) .*? → (.*)$/s.exec(line) ?? [];
    if (reply === 'Unknown command!' || line.startsWith(': CAPS ')) return [];
    if (command === 'SIG' && /^(Parent dir missing\.|Not a directory$|OK \(path_not_found\))/.test(reply)) {
      return [`${file}: SIG → nothing there`];
    }
    const failed = !reply.startsWith('OK (');
    if (command === 'SETOWN' || command === 'SETMOD') return failed && refused.has(file) ? [] : [line];
    if (failed) refused.add(file);
    else refused.delete(file);
    return [line.replace(/(type=lnk:target=)[^|]* \|/, '$1 |')];
  });
}

const linkTarget = /(type=lnk%3Atarget=).*$/;

/** Both row lists, with link targets dropped from every row whose counterpart has none. */
function withoutMissingTargets(a: readonly string[], b: readonly string[]): [string[], string[]] {
  const empty = new Set([...a, ...b].filter((row) => row.endsWith('type=lnk%3Atarget=')));
  const drop = (row: string): string => {
    const short = row.replace(linkTarget, '$1');
    return empty.has(short) ? short : row;
  };
  return [a.map(drop), b.map(drop)];
}

/** Lines of a that b lacks (-) and the other way round (+); a changed order when the lines are the same. */
function lineDifferences(where: string, a: readonly string[], b: readonly string[]): string[] {
  if (a.length === b.length && a.every((line, at) => line === b[at])) return [];
  const missing = without(a, b);
  const extra = without(b, a);
  if (missing.length + extra.length === 0) return [`${where}: order differs: ${b.join(' ⏎ ')}`];
  return [...missing.map((line) => `${where}: - ${line}`), ...extra.map((line) => `${where}: + ${line}`)];
}

function without(a: readonly string[], b: readonly string[]): string[] {
  const rest = [...b];
  return a.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
