import { lookup } from 'node:dns/promises';
import net from 'node:net';

/** An address as text, IPv4-mapped IPv6 written as IPv4. */
export function normaliseAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/** What could be a host name or an address: printable ASCII, at most 255 bytes. */
const plausibleName = /^[!-~]{1,255}$/;

/** Lookups that have not ended. Few go on at the same moment, and a name server that does not answer takes its time. */
const underWay = new Map<string, Promise<string[]>>();

/** All addresses of a host, in the resolver's order; none when it cannot be resolved. */
export async function addressesOf(host: string): Promise<string[]> {
  if (!plausibleName.test(host)) return [];
  const same = underWay.get(host);
  if (same !== undefined) return same;
  const found = lookUp(host).finally(() => underWay.delete(host));
  underWay.set(host, found);
  return found;
}

async function lookUp(host: string): Promise<string[]> {
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    return found.map(({ address }) => normaliseAddress(address));
  } catch {
    // Whatever the resolver's reason is: we know of no address.
    return [];
  }
}

/** True when `address` is among all that the name (or address) `name` resolves to. */
export async function resolvesTo(name: string, address: string): Promise<boolean> {
  return (await addressesOf(name)).some((candidate) => sameAddress(candidate, address));
}

/** Compares addresses, not their spelling; an IPv6 zone (`%eth0`) makes no difference. */
export function sameAddress(one: string, other: string): boolean {
  const [a, b] = [withoutZone(normaliseAddress(one)), withoutZone(normaliseAddress(other))];
  if (a === b) return true;
  if (net.isIPv6(a) !== net.isIPv6(b) || net.isIP(a) === 0 || net.isIP(b) === 0) return false;
  const family = net.isIPv6(a) ? 'ipv6' : 'ipv4';
  const list = new net.BlockList();
  list.addAddress(a, family);
  return list.check(b, family);
}

function withoutZone(address: string): string {
  const percent = address.indexOf('%');
  return percent < 0 ? address : address.slice(0, percent);
}
