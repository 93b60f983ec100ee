/**
 * The script that runs `command` with every `%%` standing for the list of files: real paths (byte strings), each one
 * word of the shell. No name is ever read as shell syntax, wherever the `%%` stands: names are given once, quoted, as
 * positional parameters, and `%%` becomes an expansion of these, whose result the shell does not parse again.
 */
export function shellScript(command: string, files: readonly string[]): string {
  const parts = splitAtLists(command);
  const lines = [`set -- ${files.map(quoted).join(' ')}`];
  if (parts.some((part) => part.quote !== '')) {
    lines.push(`csync2_files=${quoted(files.map(quotedIfNeeded).join(' '))}`);
  }
  const text = parts.map((part) => part.text + (part.list ? expansions[part.quote] : '')).join('');
  return `${lines.join('\n')}\n${text}`;
}

/** The command for people: `%%` replaced by the names, and cut where it would fill screens. */
export function shownCommand(command: string, files: readonly string[]): string {
  const limit = 4_096;
  let list = '';
  let shown = 0;
  while (shown < files.length && list.length < limit) {
    list += `${shown > 0 ? ' ' : ''}${quotedIfNeeded(files[shown] as string)}`;
    shown++;
  }
  if (shown < files.length) list += ` (and ${files.length - shown} more)`;
  return command.replaceAll('%%', () => list);
}

type Quote = '' | "'" | '"';

/**
 * What `%%` becomes, by the quote around it. Inside quotes the list has to be part of a word, such as the script in
 * `sh -c 'touch %%'`: there it is the text of the quoted names.
 */
const expansions: Readonly<Record<Quote, string>> = {
  '': '"$@"',
  "'": `'"$csync2_files"'`,
  '"': '$csync2_files',
};

interface Part {
  readonly text: string;
  /** A `%%` follows. */
  readonly list: boolean;
  /** Open at the end of `text`. */
  readonly quote: Quote;
}

function splitAtLists(command: string): Part[] {
  const texts = command.split('%%');
  let quote: Quote = '';
  return texts.map((text, index) => {
    quote = quoteAfter(text, quote);
    return { text, list: index < texts.length - 1, quote };
  });
}

function quoteAfter(text: string, open: Quote): Quote {
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '\\' && open !== "'") i++;
    else if (open === '' && (character === "'" || character === '"')) open = character;
    else if (character === open) open = '';
  }
  return open;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function quotedIfNeeded(word: string): string {
  return /^[\w./,:=+@%-]+$/.test(word) ? word : quoted(word);
}
