import type { Encoded } from '../bytes/bytes.ts';
import { encode } from '../bytes/urlEncoding.ts';
import { encodedChecktxt } from '../entry/checktxt.ts';
import type { Entry, Ignored } from '../entry/entry.ts';
import type { TransferCommand } from '../protocol/commands.ts';
import type { Expected } from '../scan/journal.ts';
import type { Transfer } from './transfers.ts';

/** What a file will be when its transfer is done, unless something comes in between. */
export function expectedAfter({ request, content }: Transfer, ignored: Ignored): Expected {
  const name = encode(request.file);
  if (request.name === 'XDEL') return { name, checktxt: undefined };
  return { name, checktxt: encodedChecktxt(entryAfter(request, content), ignored) };
}

function entryAfter(request: Exclude<TransferCommand, { name: 'XDEL' }>, content: Uint8Array | undefined): Entry {
  const common = { ...request.attributes, size: 0, device: 0, target: '', inode: 0n, changeTimeNs: 0n };
  if (request.name === 'XPUT') return { ...common, kind: 'reg', size: content?.length ?? 0 };
  const { object } = request;
  switch (object.kind) {
    case 'reg':
      return { ...common, kind: 'reg', size: object.size };
    case 'lnk':
      return { ...common, kind: 'lnk', target: object.target };
    case 'chr':
    case 'blk':
      return { ...common, kind: object.kind, device: object.device };
    case 'dir':
    case 'fifo':
      return { ...common, kind: object.kind };
  }
}

/** The same for an entry that is at hand. */
export function expectedEntry(file: string, entry: Entry | undefined, ignored: Ignored): Expected {
  const checktxt: Encoded | undefined = entry === undefined ? undefined : encodedChecktxt(entry, ignored);
  return { name: encode(file), checktxt };
}
