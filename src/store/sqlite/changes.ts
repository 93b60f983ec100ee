import { formatNames, markRows, now } from '../marks.ts';
import type { Change } from '../store.ts';
import { bound, type Statements } from './statements.ts';

/** Carries out a batch, inside the caller's transaction. */
export function applyChanges(statements: Statements, changes: readonly Change[]): void {
  for (const change of changes) applyChange(statements, change);
  const marks = changes.filter((change) => change.type === 'markDirty');
  for (const { peer, names } of markRows(marks)) statements.noteMarks.run(bound(peer), now(), bound(names));
}

function applyChange(statements: Statements, change: Change): void {
  switch (change.type) {
    case 'putFile':
      statements.putFile.run(bound(change.name), bound(change.checktxt));
      return;
    case 'dropFile':
      statements.dropFile.run(bound(change.name));
      return;
    case 'markDirty':
      statements.markDirty.run(bound(change.name), change.forced ? 1 : 0, bound(change.myname), bound(change.peer));
      return;
    case 'clearDirty':
      clearDirty(statements, change);
      return;
    case 'clearAllDirty':
      statements.clearAllDirty.run(bound(change.name));
      return;
    case 'forceDirty':
      statements.forceDirty.run(
        bound(change.range.from),
        change.range.to === undefined ? null : bound(change.range.to),
      );
      return;
    case 'putHint':
      statements.putHint.run(bound(change.name), change.recursive ? 1 : 0);
      return;
    case 'dropHint':
      statements.dropHint.run(bound(change.name), change.recursive ? 1 : 0);
      return;
    case 'queueAction':
      statements.queueAction.run(bound(change.name), bound(change.command), bound(change.logfile));
      return;
    case 'dropAction':
      statements.dropAction.run(bound(change.name), bound(change.command), bound(change.logfile));
      return;
    case 'begin':
      statements.beginWork.run(bound(change.owner), bound(change.kind), bound(change.subject), bound(change.checktxt));
      return;
    case 'end':
      statements.endWork.run(bound(change.owner), bound(change.kind));
      return;
    case 'noteMount':
      statements.noteMount.run(bound(change.path));
      return;
    case 'dropMount':
      statements.dropMount.run(bound(change.path));
      return;
    case 'noteYoung':
      statements.noteYoung.run(bound(change.name), change.stamp);
      return;
    case 'dropYoung':
      statements.dropYoung.run(bound(change.name));
      return;
    case 'putCertificate':
      statements.putCertificate.run(bound(change.peer), bound(change.certificate));
      return;
    case 'dropCertificate':
      statements.dropCertificate.run(bound(change.peer));
      return;
    case 'tidyMarks':
      statements.tidyMarks.run();
      return;
    case 'replaceMarks':
      statements.dropMarks.run(change.before);
      // The newest first, as they are read.
      for (const { peer, at, names } of [...change.batches].reverse()) {
        for (const list of formatNames(names)) statements.noteMarks.run(bound(peer), at, bound(list));
      }
      return;
    case 'noteContact':
      if (change.trouble === undefined) statements.noteReached.run(bound(change.peer), change.at);
      else statements.noteFailed.run(bound(change.peer), change.at, bound(change.trouble));
      return;
  }
}

function clearDirty(statements: Statements, change: Extract<Change, { type: 'clearDirty' }>): void {
  const name = bound(change.name);
  const peer = bound(change.peer);
  if (change.ifFile === undefined) statements.clearDirty.run(name, peer);
  else statements.clearDirtyIf.run(name, peer, name, change.ifFile === null ? null : bound(change.ifFile));
}
