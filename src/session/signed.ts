import type { OpenFile } from '../filesystem/openFile.ts';
import { signatureChunks, signatureLength } from '../librsync/index.ts';

interface Signed {
  readonly path: string;
  readonly inode: bigint;
  readonly changeTimeNs: bigint;
  readonly size: number;
  readonly chunks: readonly Uint8Array[];
}

/**
 * The signature that was made last of a large file. Who changes one asks for it twice, to see whether it differs and to make
 * the delta: the second time nothing has to be read. One for the whole process, for a moment.
 */
let latest: Signed | undefined;
let forgetting: NodeJS.Timeout | undefined;

/** Bytes of a signature (of a file of some 1.6 GiB) and milliseconds for which it is kept. */
const largest = 16 << 20;
const longest = 10_000;

/** Nanoseconds that a file must have been left alone: a kernel's change times do not tell apart what is closer together. */
const still = 1_000_000_000n;

/** The signature of a large file, in chunks. Fails as `signatureChunks`. */
export async function* signatureOf(open: OpenFile): AsyncGenerator<Uint8Array, void, undefined> {
  const { inode, changeTimeNs, size } = open.entry;
  const known = latest;
  if (
    known?.path === open.path &&
    known.inode === inode &&
    known.changeTimeNs === changeTimeNs &&
    known.size === size
  ) {
    forget();
    yield* known.chunks;
    return;
  }
  const isKept = signatureLength(size) <= largest && BigInt(Date.now()) * 1_000_000n - changeTimeNs > still;
  const chunks: Uint8Array[] = [];
  for await (const chunk of signatureChunks(open.fd, size)) {
    if (isKept) chunks.push(chunk);
    yield chunk;
  }
  if (isKept && open.unchanged()) remember({ path: open.path, inode, changeTimeNs, size, chunks });
}

function remember(signed: Signed): void {
  forget();
  latest = signed;
  forgetting = setTimeout(forget, longest).unref();
}

function forget(): void {
  clearTimeout(forgetting);
  latest = undefined;
}
