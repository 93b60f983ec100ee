/** Extensions of the protocol that we speak, by the names that CAPS has for them. */
export const extensions = [
  /** XSET, XPUT and XDEL: an object, a file with its content, or a deletion in one request. */
  'xput',
  /** SYNC: what was answered before is on the disk when it is answered. */
  'sync',
  /** LIST tells the targets of links under a prefix, which C programs do not record. */
  'targets',
] as const;

export type Extension = (typeof extensions)[number];

/** The answer to CAPS: those of the wanted extensions that we speak. */
export function formatCapabilities(wanted: readonly string[]): string {
  return `OK (${['caps', ...extensions.filter((extension) => wanted.includes(extension))].join(' ')}).`;
}

/** The extensions that a server granted; none when the line is anything but an answer to CAPS, as from a C server. */
export function parseCapabilities(line: string): ReadonlySet<Extension> {
  const words = /^OK \(caps((?: [a-z0-9]+)*)\)/.exec(line)?.[1]?.split(' ') ?? [];
  return new Set(extensions.filter((extension) => words.includes(extension)));
}
