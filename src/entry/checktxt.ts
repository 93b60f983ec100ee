import type { Encoded } from '../bytes/bytes.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import type { Entry, Ignored, Kind } from './entry.ts';

/**
 * A checktxt is what databases and peers know about an object: fields joined by `:`, in this order:
 *
 *     v1 [mtime=S] [mode=M] [uid=U] [gid=G] type=T
 *
 * `mtime` is there for all but links and directories; `mode`, `uid`, `gid` unless the configuration ignores them;
 * T is `reg:size=N`, `chr:dev=D`, `blk:dev=D`, `lnk:target=URL-ENCODED`, `dir`, `fifo` or `sock`. All numbers are decimal.
 * Databases and arguments carry the whole text URL-encoded once more.
 */
export interface CheckFields {
  readonly kind: Kind;
  readonly mtime: number | undefined;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** For `reg`. */
  readonly size: number | undefined;
  /** For `chr` and `blk`. */
  readonly device: number | undefined;
  /** Byte string, decoded, for `lnk`; empty in rows that the C program wrote for links under a prefix. */
  readonly target: string | undefined;
}

/** Encoded: in the row of an object that has to be looked at again. What is there is never like this. */
export const unknownChecktxt = encode('v1:type=unknown');

/** The checktxt as this host records it (not URL-encoded as a whole). */
export function checktxt(entry: Entry, ignored: Ignored): string {
  return format(entry, ignored, entry.mtime);
}

/** The checktxt as SIG sends it: times are not compared between hosts, so mtime is 0. */
export function wireChecktxt(entry: Entry, ignored: Ignored): string {
  return format(entry, ignored, 0);
}

/** `encode(checktxt(entry, ignored))`, as it stands in the file table. */
export function encodedChecktxt(entry: Entry, ignored: Ignored): Encoded {
  return assemble(entry.kind, entry.mtime, encodedOwnership(entry.mode, entry.uid, entry.gid, ignored), entry);
}

/** The `mode`, `uid` and `gid` fields in encoded form, each with its separator in front. */
export function encodedOwnership(
  mode: number | bigint,
  uid: number | bigint,
  gid: number | bigint,
  ignored: Ignored,
): string {
  return `${ignored.mod ? '' : `%3Amode=${mode}`}${ignored.uid ? '' : `%3Auid=${signed(uid)}`}${ignored.gid ? '' : `%3Agid=${signed(gid)}`}`;
}

/** C programs write uid and gid as signed 32-bit numbers: 4294967294 is -2. */
function signed(id: number | bigint): number {
  return Number(id) | 0;
}

/** An encoded checktxt from its parts; `ownership` comes from `encodedOwnership`. The scan calls this for every object. */
export function assemble(
  kind: Kind,
  mtime: number | bigint,
  ownership: string,
  detail: { readonly size: number | bigint; readonly device: number | bigint; readonly target: string },
): Encoded {
  switch (kind) {
    case 'reg':
      return `v1%3Amtime=${mtime}${ownership}%3Atype=reg%3Asize=${detail.size}` as Encoded;
    case 'dir':
      return `v1${ownership}%3Atype=dir` as Encoded;
    case 'lnk':
      return `v1${ownership}%3Atype=lnk%3Atarget=${encode(encode(detail.target))}` as Encoded;
    case 'chr':
    case 'blk':
      return `v1%3Amtime=${mtime}${ownership}%3Atype=${kind}%3Adev=${detail.device}` as Encoded;
    case 'fifo':
    case 'sock':
      return `v1%3Amtime=${mtime}${ownership}%3Atype=${kind}` as Encoded;
  }
}

function format(entry: Entry, ignored: Ignored, mtime: number): string {
  const timed = entry.kind === 'lnk' || entry.kind === 'dir' ? '' : `:mtime=${mtime}`;
  const mode = ignored.mod ? '' : `:mode=${entry.mode}`;
  const uid = ignored.uid ? '' : `:uid=${signed(entry.uid)}`;
  const gid = ignored.gid ? '' : `:gid=${signed(entry.gid)}`;
  return `v1${timed}${mode}${uid}${gid}:type=${typeText(entry)}`;
}

function typeText(entry: Entry): string {
  switch (entry.kind) {
    case 'reg':
      return `reg:size=${entry.size}`;
    case 'chr':
    case 'blk':
      return `${entry.kind}:dev=${entry.device}`;
    case 'lnk':
      return `lnk:target=${encode(entry.target)}`;
    case 'dir':
    case 'fifo':
    case 'sock':
      return entry.kind;
  }
}

const shape =
  /^v1(?::mtime=(-?\d{1,20}))?(?::mode=(\d{1,10}))?(?::uid=(-?\d{1,10}))?(?::gid=(-?\d{1,10}))?:type=(?:(reg):size=(\d{1,20})|(chr|blk):dev=(\d{1,20})|(lnk):target=([^:]*)|(dir|fifo|sock))$/;

/** The fields of a decoded checktxt; undefined when it is not one that csync2 writes (another version, a damaged row). */
export function parseChecktxt(text: string): CheckFields | undefined {
  const match = shape.exec(text);
  if (match === null) return undefined;
  const [, mtime, mode, uid, gid, regular, size, deviceKind, device, link, target, plain] = match;
  return {
    kind: (regular ?? deviceKind ?? link ?? plain) as Kind,
    mtime: decimal(mtime),
    mode: decimal(mode),
    uid: id(uid),
    gid: id(gid),
    size: decimal(size),
    device: decimal(device),
    target: target === undefined ? undefined : decode(target),
  };
}

/** Either spelling, signed or not. */
function id(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits) >>> 0;
}

function decimal(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}
