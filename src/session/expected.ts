import type { Encoded } from '../bytes/bytes.ts';
import { decode, encode } from '../bytes/urlEncoding.ts';
import { assemble, encodedChecktxt, encodedOwnership, parseChecktxt } from '../entry/checktxt.ts';
import type { Entry, Ignored } from '../entry/entry.ts';
import type { WantedObject } from '../protocol/commands.ts';
import type { Expected } from '../scan/journal.ts';
import type { Transfer } from './transfers.ts';

/** What a file will be when its transfer is done, unless something comes in between. */
export function expectedAfter({ request, content }: Transfer, ignored: Ignored): Expected {
  const name = encode(request.file);
  if (request.name === 'XDEL') return { name, checktxt: undefined };
  const { mode, uid, gid, mtime, mtimeNanoseconds } = request.attributes;
  const ownership = encodedOwnership(mode, uid, gid, ignored);
  const object = request.name === 'XSET' ? request.object : { kind: 'reg' as const, size: content?.length ?? 0 };
  const microseconds = object.kind === 'reg' ? Math.floor(mtimeNanoseconds / 1000) : undefined;
  return { name, checktxt: assemble(object.kind, mtime, ownership, detailOf(object)), microseconds };
}

/**
 * What it may be for a moment before that, when it is what its row says: directories and other things do not replace each other
 * in one step, and the owner of a directory that is there is set before its mode.
 */
export function expectedOnTheWay({ request }: Transfer, row: Encoded | undefined, ignored: Ignored): Expected[] {
  if (row === undefined || request.name === 'XDEL') return [];
  const name = encode(request.file);
  const isDirectory = request.name === 'XSET' && request.object.kind === 'dir';
  const was = parseChecktxt(decode(row));
  if (was === undefined) return [];
  if (isDirectory !== (was.kind === 'dir')) return [{ name, checktxt: undefined }];
  if (!isDirectory || was.mode === undefined) return [];
  const { uid, gid } = request.attributes;
  return [
    { name, checktxt: assemble('dir', 0, encodedOwnership(was.mode, uid, gid, ignored), detailOf({ kind: 'dir' })) },
  ];
}

function detailOf(object: { readonly kind: 'reg'; readonly size: number } | WantedObject): Detail {
  switch (object.kind) {
    case 'reg':
      return { size: object.size, device: 0, target: '' };
    case 'lnk':
      return { size: 0, device: 0, target: object.target };
    case 'chr':
    case 'blk':
      return { size: 0, device: object.device, target: '' };
    case 'dir':
    case 'fifo':
      return { size: 0, device: 0, target: '' };
  }
}

type Detail = Parameters<typeof assemble>[3];

/** The same for an entry that is at hand. */
export function expectedEntry(file: string, entry: Entry | undefined, ignored: Ignored): Expected {
  const name = encode(file);
  if (entry === undefined) return { name, checktxt: undefined };
  const microseconds = entry.kind === 'reg' ? Math.floor(entry.mtimeNanoseconds / 1000) : undefined;
  return { name, checktxt: encodedChecktxt(entry, ignored), microseconds };
}
