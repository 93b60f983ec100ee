const listing = /^\s*LIST\s/i;
const onFile = /^(\s*[A-Za-z]+\s+)\S+(?=\s+\S)/;
const session = /^\s*(?:SSL|CONFIG|GROUP|CAPS|HELLO|BYE)\b/i;

/** A request line for the log: the group's key, which is a secret, shows as `KEY`. */
export function redact(line: string): string {
  if (session.test(line)) return line;
  if (!listing.test(line)) return line.replace(onFile, '$1KEY');
  const [command, peer, file, ...keys] = line.trim().split(/\s+/);
  return [command, peer, file, ...keys.map(() => 'KEY')].join(' ');
}
