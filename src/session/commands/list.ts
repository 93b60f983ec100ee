import type { Encoded } from '../../bytes/bytes.ts';
import { encode } from '../../bytes/urlEncoding.ts';
import { rowFilter } from '../../groups/coverage.ts';
import type { Command } from '../../protocol/commands.ts';
import { replies } from '../../protocol/replies.ts';
import { formatListRow } from '../../protocol/values.ts';
import { allNames, exactly } from '../../store/store.ts';
import type { Session } from '../session.ts';

/** LIST: the file rows that this peer shares with us under one of its keys, ordered by encoded name. */
export async function list(session: Session, request: Extract<Command, { name: 'LIST' }>): Promise<void> {
  const range = request.file === undefined ? allNames : exactly(encode(request.file));
  const { cluster, peer, store } = session;
  const targets = session.agreed.has('targets');
  const known = cluster.pairs.some((pair) => pair.peer === peer && pair.myname === request.peer);
  if (known) {
    const isShared = rowFilter(cluster.sharedWith(peer, request.keys, request.peer));
    for await (const page of store.files(range)) {
      for (const [index, name] of page.names.entries()) {
        const checktxt = page.checktxts[index];
        if (checktxt === undefined || !isShared(name)) continue;
        session.reply(formatListRow({ checktxt: targets ? checktxt : asRecordedByC(name, checktxt), name }));
      }
      await session.flush();
    }
  }
  session.reply(replies.finished);
}

/** C programs leave the target of a link under a prefix empty, and would take any other for a difference. */
function asRecordedByC(name: Encoded, checktxt: Encoded): Encoded {
  if (!name.startsWith('%25')) return checktxt;
  return checktxt.replace(/(type=lnk%3Atarget=).*/, '$1') as Encoded;
}
