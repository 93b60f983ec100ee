import { encode } from '../bytes/urlEncoding.ts';
import { replies } from '../protocol/replies.ts';
import type { FileCheck } from '../scan/checkFile.ts';
import type { StepCommand } from '../protocol/commands.ts';
import { checkAgain, checkForConflict, checkRecorded, permitted } from './admission.ts';
import { expectedEntry } from './expected.ts';
import { remove } from './commands/remove.ts';
import { figure } from './commands/figure.ts';
import { flush } from './commands/flush.ts';
import { list } from './commands/list.ts';
import { make } from './commands/make.ts';
import { mark } from './commands/mark.ts';
import { setMetadata } from './commands/metadata.ts';
import { patch } from './commands/patch.ts';
import { signature } from './commands/signature.ts';
import { type } from './commands/type.ts';
import type { FileRequest, Session } from './session.ts';

/** Commands that change a file: refused as a conflict while the file is dirty here. SETIME is not among them. */
const conflicting: ReadonlySet<string> = new Set([
  'DEL',
  'PATCH',
  'MKDIR',
  'MKCHR',
  'MKBLK',
  'MKFIFO',
  'MKLINK',
  'MKSOCK',
  'SETOWN',
  'SETMOD',
]);

const metadata: ReadonlySet<string> = new Set(['SETOWN', 'SETMOD', 'SETIME']);

/** Works off one request of an identified peer. Every path answers exactly once. */
export async function dispatch(session: Session, request: FileRequest): Promise<void> {
  if (request.name === 'LIST') {
    await session.finishReplacement();
    return list(session, request);
  }
  const continued = metadata.has(request.name) && session.replacement?.name === request.file;
  if (!continued) await session.finishReplacement();
  if (metadata.has(request.name) && session.refused === request.file) {
    session.reply(replies.contentRefused);
    return;
  }
  session.refused = undefined;
  const { compared } = session;
  session.compared = undefined;
  if (!permitted(session, request)) return;
  await session.settle([encode(request.file)]);
  if (request.name === 'SETIME' && !continued) {
    if ((await checkRecorded(session, request.file)) === undefined) return session.reply(replies.overtaken);
    return setMetadata(session, request, compared?.file === request.file ? compared.found : undefined);
  }
  if (continued || !conflicting.has(request.name)) return run(session, request, undefined);
  const check = await checkForConflict(session, request.file);
  if (typeof check === 'string') return session.reply(check);
  await session.stage([request.file]);
  const expected = request.name === 'DEL' ? [expectedEntry(request.file, undefined, session.ignored)] : [];
  await session.begin(expected);
  // That may have had to wait.
  const found = await checkAgain(session, request.file, check.found, expected);
  if (typeof found === 'string') return session.reply(found);
  await run(session, request, { ...check, found });
}

function run(session: Session, request: StepCommand, check: FileCheck | undefined): Promise<void> | void {
  switch (request.name) {
    case 'SIG':
      return signature(session, request.file);
    case 'TYPE':
      return type(session, request.file);
    case 'GETTM':
    case 'GETSZ':
      return figure(session, request.name, request.file);
    case 'MARK':
      return mark(session, request.file);
    case 'FLUSH':
      return flush(session, request.file);
    case 'DEL':
      return remove(session, request.file, mustCheck(check));
    case 'PATCH':
      return patch(session, request.file, mustCheck(check));
    case 'MKDIR':
    case 'MKCHR':
    case 'MKBLK':
    case 'MKFIFO':
    case 'MKLINK':
    case 'MKSOCK':
      return make(session, request, mustCheck(check));
    case 'SETOWN':
    case 'SETMOD':
    case 'SETIME':
      return setMetadata(session, request, check?.found);
  }
}

function mustCheck(check: FileCheck | undefined): FileCheck {
  if (check === undefined) throw new Error('a command that changes files was not checked');
  return check;
}
