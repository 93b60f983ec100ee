import type { Entry } from '../entry/entry.ts';
import * as messages from '../log/messages.ts';
import type { FileUpdate } from './fileUpdate.ts';
import { figureReply } from './replies.ts';
import { judge, judgeFigures, type Outcome, type Question } from './resolve.ts';

/** The peer says that the file is dirty there too. True when we may overrule it. `entry` undefined: we want to delete it there. */
export async function resolveConflict(update: FileUpdate, entry: Entry | undefined): Promise<boolean> {
  const { cluster, log } = update.run.context;
  const rule = cluster.conflictRule(update.run.peer, update.file.name);
  const verdict = judge(rule, entry === undefined);
  switch (verdict.outcome) {
    case 'unresolved':
      return false;
    case 'removal':
      log.write(0, messages.conflictIsRemoval);
      return false;
    case 'ask': {
      if (entry === undefined) return false;
      const remote = await askFigure(update, verdict.question);
      if (remote === undefined) return false;
      const local = verdict.question === 'GETTM' ? entry.mtime : entry.size;
      return announce(update, judgeFigures(rule, verdict.question, local, remote));
    }
    case 'won':
    case 'lost':
      return announce(update, verdict);
  }
}

function announce(update: FileUpdate, { outcome, test }: Outcome): boolean {
  const { log } = update.run.context;
  log.write(0, outcome === 'won' ? messages.conflictWon(test) : messages.conflictLost(test));
  return outcome === 'won';
}

async function askFigure(update: FileUpdate, question: Question): Promise<number | undefined> {
  const { key, name: file } = update.file;
  const reply = await update.ask({ name: question, key, file }, figureReply);
  return reply.value;
}
