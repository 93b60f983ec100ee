import type { DiskPath, FileName } from '../../bytes/bytes.ts';
import { decode, encode } from '../../bytes/urlEncoding.ts';
import { checktxt } from '../../entry/checktxt.ts';
import { sameButUnknownTarget } from '../../entry/compare.ts';
import { inspect, type Inspection } from '../../filesystem/inspect.ts';
import { isMember } from '../../groups/member.ts';
import { decidingPatterns } from '../../patterns/deciding.ts';
import type { Pattern } from '../../patterns/rules.ts';
import * as messages from '../../log/messages.ts';
import { Mounts } from '../../scan/mounts.ts';
import { markTimes } from '../../store/marks.ts';
import { type ContactRow, type DirtyRow, exactly } from '../../store/store.ts';
import { jsonLine, type JsonObject } from '../json.ts';
import type { Setup } from '../setup.ts';
import { recordedFacts } from './lists.ts';

/** All that csync2 knows of one file under one of its names. Times are seconds since the epoch. */
export interface Explanation {
  readonly file: FileName;
  readonly path: DiskPath | undefined;
  readonly groups: readonly GroupVerdict[];
  readonly covered: boolean;
  /** Undefined also where its file system is lost: what lies below the mount point is another file. */
  readonly disk: Inspection | undefined;
  /** Checktxts, decoded; undefined where there is nothing. */
  readonly recorded: string | undefined;
  readonly present: string | undefined;
  readonly differing: readonly string[];
  readonly dirty: readonly (DirtyRow & { readonly since: number | undefined })[];
  readonly contacts: readonly ContactRow[];
  /** The mount point that it was recorded below, and that is none now. */
  readonly lost: DiskPath | undefined;
  readonly plan: string;
}

export interface GroupVerdict {
  readonly group: string;
  readonly covers: boolean;
  readonly reason: string;
  readonly peers: readonly string[];
}

/** `--explain`. True when some group covers every one of these files, under at least one of its names. */
export async function explain(setup: Setup, paths: readonly DiskPath[]): Promise<boolean> {
  let allCovered = true;
  const mounts = await Mounts.find(setup.cluster, setup.store);
  for (const path of paths) {
    const explanations: Explanation[] = [];
    for (const name of setup.cluster.toNames(path)) explanations.push(await explainName(setup, mounts, name));
    for (const explanation of explanations) show(setup, explanation);
    allCovered &&= explanations.some(({ covered }) => covered);
  }
  return allCovered;
}

async function explainName(setup: Setup, mounts: Mounts, file: FileName): Promise<Explanation> {
  const { cluster, store, ignored } = setup;
  const name = encode(file);
  const path = cluster.toDisk(file);
  const lost = path === undefined ? undefined : mounts.lostAt(path);
  const disk = path === undefined || lost !== undefined ? undefined : inspect(path);
  const row = (await store.fileRows([name])).get(name);
  const recorded = row === undefined ? undefined : decode(row);
  const present = disk?.state === 'present' ? checktxt(disk.entry, ignored) : undefined;
  const rows: DirtyRow[] = [];
  for await (const page of store.dirty({ range: exactly(name) })) rows.push(...page);
  const since = markTimes(rows.length === 0 ? [] : await store.marks());
  const dirty = rows.map((row) => ({ ...row, since: since(row) }));
  const peers = new Set(cluster.peersFor(file).map(({ peer }) => peer));
  const contacts = (await store.contacts()).filter(({ peer }) => peers.has(decode(peer)));
  const covered = cluster.covering(file).length > 0;
  const facts = { file, path, groups: verdicts(setup, file), covered, disk, recorded, present, dirty, contacts, lost };
  return { ...facts, differing: differences(recorded, present), plan: planFor(setup, facts) };
}

function verdicts({ config, cluster }: Setup, file: FileName): GroupVerdict[] {
  return config.groups
    .filter((group) => isMember(group, cluster.host))
    .map((group) => {
      const { path, baseName } = decidingPatterns(group.patterns, file);
      const excluding = [path, baseName].find((pattern) => pattern?.kind === 'exclude');
      const member = cluster.groups.find(({ name }) => name === group.name);
      const covers = member?.covers(file) ?? false;
      const { position } = group;
      return {
        group: group.name,
        covers,
        reason: `${reasonFor(member !== undefined, path, baseName, excluding)} (${position.file}:${position.line})`,
        peers: member?.peers.map(({ name }) => name) ?? [],
      };
    });
}

function reasonFor(chosen: boolean, path?: Pattern, baseName?: Pattern, excluding?: Pattern): string {
  if (!chosen) return 'left out by -G';
  if (excluding !== undefined) return `the last pattern that matches is: exclude ${excluding.text}`;
  if (path === undefined) return 'no include pattern matches its path';
  return `include ${path.text}${baseName === undefined ? '' : `, and include ${baseName.text}`}`;
}

/** The names of the fields in which two checktxts differ. */
function differences(recorded: string | undefined, present: string | undefined): string[] {
  if (recorded === undefined || present === undefined || recorded === present) return [];
  const [before, now] = [recordedFacts(recorded), recordedFacts(present)];
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((field) => before[field] !== now[field]);
}

function planFor(
  { cluster }: Setup,
  facts: Pick<Explanation, 'file' | 'path' | 'covered' | 'disk' | 'recorded' | 'present' | 'dirty' | 'lost'>,
): string {
  const { file, path, covered, disk, recorded, present, dirty, lost } = facts;
  if (!covered) {
    const others = path === undefined ? [] : cluster.toNames(path);
    const isElsewhere = others.some((name) => cluster.covering(name).length > 0);
    return `nothing${isElsewhere ? ' under this name' : ''}: no group covers it`;
  }
  if (lost !== undefined) return `report an error: ${messages.notMounted(lost)}`;
  if (disk === undefined) return 'nothing: the name stands for no path on this host';
  if (disk.state === 'error') return `report an error: ${disk.problem.toString()}`;
  const isNew = recorded === undefined ? present !== undefined : present === undefined;
  const changed =
    isNew || !(recorded === undefined || present === undefined || sameButUnknownTarget(recorded, present));
  const waiting = dirty.map(({ peer }) => decode(peer));
  const peers = changed ? cluster.peersFor(file).map(({ peer }) => peer) : waiting;
  if (peers.length === 0) return changed ? 'record it; there is nobody to send it to' : 'nothing: it is in step';
  if (disk.state === 'present' && disk.entry.kind === 'sock') return 'record it; sockets are not sent';
  const verb = present === undefined ? 'delete it on' : 'send it to';
  const slave = cluster.covering(file).every((group) => group.slave);
  const refused = slave ? '; they will refuse: this host is a slave in every group that covers it' : '';
  return `${changed ? 'mark it as dirty and ' : ''}${verb} ${peers.join(', ')}${refused}`;
}

function show({ output }: Setup, explanation: Explanation): void {
  if (output.json) output.line(jsonLine(forPrograms(explanation)));
  else for (const line of forPeople(explanation)) output.line(line);
}

function forPeople(facts: Explanation): string[] {
  const { file, path, groups, disk, recorded, present, differing, dirty, contacts, lost, plan } = facts;
  const there = lost === undefined ? stateOf(disk) : `out of reach: ${lost} is not mounted`;
  const changed = changedAt(disk);
  return [
    file,
    ...((path as string | undefined) === file ? [] : [item('path', path ?? 'none on this host')]),
    ...groups.map(({ group, covers, reason }) => item(`group ${group}`, `${covers ? 'covers it' : 'no'}: ${reason}`)),
    item('on the disk', present ?? there),
    item('database', recorded ?? 'not recorded'),
    ...(differing.length === 0 ? [] : [item('differs in', differing.join(', '))]),
    ...(changed === undefined ? [] : [item('last changed', changed.toISOString())]),
    ...dirty.map((row) => item('dirty for', dirtyText(row))),
    ...contacts.map((contact) => item('last contact', contactText(contact))),
    item('-x would', plan),
  ];
}

function item(label: string, text: string): string {
  return `  ${label.padEnd(13)} ${text}`;
}

function stateOf(disk: Inspection | undefined): string {
  if (disk?.state === 'error') return disk.problem.toString();
  return disk?.state === 'impure'
    ? 'counts as not there: one of its parent directories is a symbolic link'
    : 'not there';
}

function dirtyText({ peer, myname, forced, since }: Explanation['dirty'][number]): string {
  const when = since === undefined ? 'marked by another program' : `since ${iso(since)}`;
  return `${decode(peer)} (as ${decode(myname)}), ${when}${forced ? ', forced' : ''}`;
}

/** When the object was last changed in any way, as the kernel has it. */
function changedAt(disk: Inspection | undefined): Date | undefined {
  return disk?.state === 'present' ? new Date(Number(disk.entry.changeTimeNs / 1_000_000n)) : undefined;
}

function contactText({ peer, reached, failed, trouble }: ContactRow): string {
  const parts = [decode(peer)];
  parts.push(reached === undefined ? 'never reached' : `reached ${iso(reached)}`);
  if (failed !== undefined) parts.push(`trouble ${iso(failed)}: ${decode(trouble ?? '')}`);
  return parts.join(', ');
}

export function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

function forPrograms(facts: Explanation): JsonObject {
  const { file, path, groups, covered, disk, recorded, present, differing, dirty, contacts, lost, plan } = facts;
  return {
    file,
    path,
    covered,
    groups: groups.map((verdict) => ({ ...verdict })),
    disk: lost === undefined ? (disk?.state ?? 'absent') : 'not-mounted',
    recorded,
    present,
    differing,
    dirty: dirty.map(({ peer, myname, forced, since }) => ({
      peer: decode(peer),
      myname: decode(myname),
      forced,
      since: since === undefined ? undefined : iso(since),
    })),
    changed: changedAt(disk),
    contacts: contacts.map(contactFacts),
    plan,
  };
}

export function contactFacts({ peer, reached, failed, trouble }: ContactRow): JsonObject {
  return {
    peer: decode(peer),
    reached: reached === undefined ? undefined : iso(reached),
    failed: failed === undefined ? undefined : iso(failed),
    trouble: trouble === undefined ? undefined : decode(trouble),
  };
}
