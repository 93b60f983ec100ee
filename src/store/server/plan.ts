import type { Encoded } from '../../bytes/bytes.ts';
import type { Change, NameRange, UnfinishedRow } from '../store.ts';

/**
 * Changes that have the same effect as sets, table by table, as they had in a row. Carried out in the order of the
 * fields: `clearIf` sees the file rows from before.
 */
export interface Segment {
  /** Conditional deletions of dirty rows. */
  readonly clearIf: { name: Encoded; peer: Encoded; ifFile: Encoded | null }[];
  /** Names to lose all their dirty rows. */
  readonly clearAll: Set<Encoded>;
  /** By `name TAB peer`: the dirty row to have afterwards, or none. */
  readonly dirty: Map<string, DirtyOutcome>;
  /** The checktxt to have afterwards, or none. */
  readonly files: Map<Encoded, Encoded | null>;
  readonly hints: Map<string, { name: Encoded; recursive: boolean; present: boolean }>;
  readonly actions: Map<string, { name: Encoded; command: Encoded; logfile: Encoded; present: boolean }>;
  readonly certificates: Map<Encoded, string | null>;
  /** By `peer` and what is noted: the last one of each kind. */
  readonly contacts: Map<string, Extract<Change, { type: 'noteContact' }>>;
  /** Whether it is to be remembered afterwards. */
  readonly mounts: Map<Encoded, boolean>;
  /** By name: its stamp, or null when none is noted afterwards. */
  readonly young: Map<Encoded, string | null>;
  /** By `owner TAB kind`: what is deleted before anything is begun. */
  readonly ended: Map<string, { readonly owner: Encoded; readonly kind: UnfinishedRow['kind'] }>;
  begun: UnfinishedRow[];
  force: NameRange | undefined;
  /** What becomes of the times of older marks. */
  marks: MarksChange | undefined;
}

export type MarksChange = Extract<Change, { type: 'tidyMarks' | 'replaceMarks' }>;

export interface DirtyOutcome {
  readonly name: Encoded;
  readonly peer: Encoded;
  readonly row: { readonly myname: Encoded; readonly forced: boolean } | undefined;
}

/** Turns a batch into as few segments as its order allows: one, as a rule. Carried out one after the other they are the batch. */
export function planBatch(changes: readonly Change[]): Segment[] {
  const segments: Segment[] = [];
  let current = emptySegment();
  let dirtyNames = new Set<Encoded>();
  for (const change of changes) {
    if (mustFollow(change, current, dirtyNames)) {
      segments.push(current);
      current = emptySegment();
      dirtyNames = new Set();
    }
    if (change.type === 'markDirty' || change.type === 'clearDirty') dirtyNames.add(change.name);
    record(change, current);
  }
  segments.push(current);
  return segments;
}

/** Whether a change depends on, or undoes, what is already in the segment in a way that sets cannot express. */
function mustFollow(change: Change, segment: Segment, dirtyNames: ReadonlySet<Encoded>): boolean {
  if (segment.force !== undefined || segment.marks !== undefined) return true;
  if (change.type === 'clearAllDirty') return dirtyNames.has(change.name);
  if (change.type !== 'clearDirty' || change.ifFile === undefined) return false;
  return segment.files.has(change.name) || dirtyNames.has(change.name) || segment.clearAll.has(change.name);
}

function emptySegment(): Segment {
  return {
    clearIf: [],
    clearAll: new Set(),
    dirty: new Map(),
    files: new Map(),
    hints: new Map(),
    actions: new Map(),
    certificates: new Map(),
    contacts: new Map(),
    mounts: new Map(),
    young: new Map(),
    ended: new Map(),
    begun: [],
    force: undefined,
    marks: undefined,
  };
}

function record(change: Change, segment: Segment): void {
  switch (change.type) {
    case 'putFile':
      segment.files.set(change.name, change.checktxt);
      return;
    case 'dropFile':
      segment.files.set(change.name, null);
      return;
    case 'markDirty':
      setDirty(segment, change.name, change.peer, { myname: change.myname, forced: change.forced });
      return;
    case 'clearDirty':
      if (change.ifFile === undefined) setDirty(segment, change.name, change.peer, undefined);
      else segment.clearIf.push({ name: change.name, peer: change.peer, ifFile: change.ifFile });
      return;
    case 'clearAllDirty':
      segment.clearAll.add(change.name);
      return;
    case 'forceDirty':
      segment.force = change.range;
      return;
    case 'putHint':
    case 'dropHint': {
      const { name, recursive } = change;
      segment.hints.set(`${name}\t${recursive}`, { name, recursive, present: change.type === 'putHint' });
      return;
    }
    case 'queueAction':
    case 'dropAction': {
      const { name, command, logfile } = change;
      const present = change.type === 'queueAction';
      segment.actions.set(`${name}\t${command}\t${logfile}`, { name, command, logfile, present });
      return;
    }
    case 'putCertificate':
      segment.certificates.set(change.peer, change.certificate);
      return;
    case 'dropCertificate':
      segment.certificates.set(change.peer, null);
      return;
    case 'begin':
      segment.begun.push(change);
      return;
    case 'end': {
      const { owner, kind } = change;
      segment.ended.set(`${owner}\t${kind}`, change);
      segment.begun = segment.begun.filter((row) => row.owner !== owner || row.kind !== kind);
      return;
    }
    case 'tidyMarks':
    case 'replaceMarks':
      segment.marks = change;
      return;
    case 'noteMount':
    case 'dropMount':
      segment.mounts.set(change.path, change.type === 'noteMount');
      return;
    case 'noteYoung':
      segment.young.set(change.name, change.stamp);
      return;
    case 'dropYoung':
      segment.young.set(change.name, null);
      return;
    case 'noteContact':
      segment.contacts.set(`${change.peer}\t${change.trouble === undefined}`, change);
      return;
  }
}

function setDirty(segment: Segment, name: Encoded, peer: Encoded, row: DirtyOutcome['row']): void {
  segment.dirty.set(`${name}\t${peer}`, { name, peer, row });
}
