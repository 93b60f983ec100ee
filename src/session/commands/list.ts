import { encode } from '../../bytes/urlEncoding.ts';
import { lineFilter } from '../../groups/coverage.ts';
import type { Command } from '../../protocol/commands.ts';
import { replies } from '../../protocol/replies.ts';
import { allNames, exactly } from '../../store/store.ts';
import type { Session } from '../session.ts';

/** LIST: the file rows that this peer shares with us under one of its keys, ordered by encoded name. */
export async function list(session: Session, request: Extract<Command, { name: 'LIST' }>): Promise<void> {
  const range = request.file === undefined ? allNames : exactly(encode(request.file));
  const { cluster, peer, store } = session;
  const known = cluster.pairs.some((pair) => pair.peer === peer && pair.myname === request.peer);
  if (known) {
    const keep = lineFilter(cluster.sharedWith(peer, request.keys, request.peer));
    const targets = session.agreed.has('targets');
    for await (const page of store.fileLines(range)) {
      const lines = keep(page);
      session.replyLines(targets ? lines : asRecordedByC(lines));
      await session.flush();
    }
  }
  session.reply(replies.finished);
}

/** C programs leave the target of a link under a prefix empty, and would take any other for a difference. */
function asRecordedByC(lines: string): string {
  return lines.includes('type=lnk') ? lines.replace(/(type=lnk%3Atarget=)[^\t]+(?=\t%25)/g, '$1') : lines;
}
