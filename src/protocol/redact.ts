/** The same characters part words as in `parseCommand`. */
const listing = /^[ \t\r\v\f]*LIST[ \t\r\v\f]/i;
const onFile = /^([ \t\r\v\f]*[^ \t\r\v\f]+[ \t\r\v\f]+)[^ \t\r\v\f]+/;
const session = /^[ \t\r\v\f]*(?:SSL|CONFIG|GROUP|CAPS|HELLO|BYE|SYNC)(?=[ \t\r\v\f]|$)/i;

/** A request line for the log: the group's key, which is a secret, shows as `KEY`. */
export function redact(line: string): string {
  if (session.test(line)) return line;
  if (!listing.test(line)) return line.replace(onFile, '$1KEY');
  const [command, peer, file, ...keys] = line.split(/[ \t\r\v\f]+/).filter(Boolean);
  return [command, peer, file, ...keys.map(() => 'KEY')].join(' ');
}
