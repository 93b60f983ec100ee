import type { DiskPath } from '../../bytes/bytes.ts';
import { decode } from '../../bytes/urlEncoding.ts';
import { NotAMemberError } from '../../groups/cluster.ts';
import type { Log } from '../../log/log.ts';
import * as messages from '../../log/messages.ts';
import { displayName, locate } from '../../store/location.ts';
import { Mounts } from '../../scan/mounts.ts';
import { markTimes } from '../../store/marks.ts';
import { allNames, type ContactRow, type Store } from '../../store/store.ts';
import type { Config } from '../../config/config.ts';
import { type CertificateFacts, certificateFacts, expiryWarning } from '../certificate.ts';
import { credentialFiles, factsOf } from '../credentials.ts';
import { jsonLine, type JsonObject } from '../json.ts';
import type { Output } from '../output.ts';
import { findLock, type Place, setUp, type Setup } from '../setup.ts';
import { contactFacts, iso } from './explain.ts';

/** As monitoring plugins count them; the exit status is the index. */
const states = ['ok', 'warning', 'critical', 'unknown'] as const;
type State = (typeof states)[number];

interface Trouble {
  readonly state: State;
  readonly message: string;
}

interface PeerStatus {
  readonly peer: string;
  readonly dirty: number;
  /** When the oldest of them was marked, in seconds since the epoch, as far as that is known. */
  readonly oldest: number | undefined;
  readonly contact: ContactRow | undefined;
  readonly certificate: CertificateFacts | undefined;
}

interface Status {
  readonly peers: readonly PeerStatus[];
  /** Dirty rows of peers that the configuration does not have. */
  readonly strays: readonly string[];
  readonly files: number;
  readonly hints: number;
  readonly actions: number;
  readonly certificate: CertificateFacts | undefined;
  readonly needsCertificate: boolean;
  readonly database: { readonly name: string; readonly bytes: number };
  /** Mount points with files of ours that are none now. */
  readonly lost: readonly DiskPath[];
}

/** `--status`: prints how things are, without asking any peer. Returns the exit status. */
export async function showStatus(place: Place, log: Log, output: Output): Promise<number> {
  try {
    const lock = findLock(place);
    if (lock !== undefined) return unknown(place, output, messages.lockFound(lock));
    const setup = await setUp(place, log, output);
    try {
      if (!setup.cluster.isMember) throw new NotAMemberError(place.host);
      return report(setup, place, await gather(setup, place));
    } finally {
      await setup.store.close();
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return unknown(place, output, error.message);
  } finally {
    output.flush();
  }
}

function unknown({ host }: Place, output: Output, message: string): number {
  output.line(output.json ? jsonLine({ host, state: 'unknown', problems: [message] }) : `UNKNOWN: ${message}`);
  return states.indexOf('unknown');
}

async function gather(setup: Setup, place: Place): Promise<Status> {
  const { cluster, store, config } = setup;
  const dirty = await waiting(store);
  const contacts = new Map((await store.contacts()).map((contact) => [decode(contact.peer), contact]));
  const certificates = new Map((await store.certificates()).map((row) => [decode(row.peer), row.certificate]));
  const location = locate(place.options.database ?? config.database, place.host, place.options.configName);
  return {
    peers: cluster.peers.map((peer) => ({
      peer,
      dirty: dirty.get(peer)?.count ?? 0,
      oldest: dirty.get(peer)?.oldest,
      contact: contacts.get(peer),
      certificate: certificateFacts(Buffer.from(certificates.get(peer) ?? '', 'hex')),
    })),
    strays: [...dirty.keys()].filter((peer) => !cluster.peers.includes(peer)),
    files: await store.fileCount(allNames),
    hints: (await store.hints()).length,
    actions: (await store.actions()).length,
    certificate: ownCertificate(place, config),
    needsCertificate: cluster.peers.some((peer) => !cluster.usesPlain(place.host, peer)),
    database: { name: displayName(location), bytes: await store.size() },
    lost: (await Mounts.find(cluster, store)).lostAround('/' as DiskPath),
  };
}

interface Waiting {
  count: number;
  oldest: number | undefined;
}

/** How much is dirty for each peer, and since when. */
async function waiting(store: Store): Promise<Map<string, Waiting>> {
  const peers = new Map<string, Waiting>();
  const since = markTimes(await store.marks());
  for await (const page of store.dirty({})) {
    for (const row of page) {
      const peer = decode(row.peer);
      const { count, oldest } = peers.get(peer) ?? { count: 0, oldest: undefined };
      const marked = since(row) ?? Infinity;
      peers.set(peer, { count: count + 1, oldest: marked < (oldest ?? Infinity) ? marked : oldest });
    }
  }
  return peers;
}

function ownCertificate(place: Place, config: Config): CertificateFacts | undefined {
  return factsOf(credentialFiles(place, config).certificate);
}

function* troubles(status: Status): Generator<Trouble> {
  const { certificate, needsCertificate, peers, strays, lost } = status;
  for (const path of lost) yield { state: 'critical', message: messages.notMounted(path) };
  if (certificate === undefined && needsCertificate) {
    yield { state: 'critical', message: "This host has no usable certificate: see 'csync2 --make-cert'." };
  }
  yield* expiry(certificate, 'certificate of this host');
  for (const { peer, dirty, oldest, contact, certificate: theirs } of peers) {
    if (contact?.failed !== undefined && contact.failed > (contact.reached ?? 0)) {
      yield {
        state: 'critical',
        message: sentence(`${peer}, ${iso(contact.failed)}: ${decode(contact.trouble ?? '')}`),
      };
    }
    if (dirty > 0) yield { state: 'warning', message: `${count(dirty, 'file')} to be sent to ${peer}${age(oldest)}.` };
    yield* expiry(theirs, `certificate of ${peer}`);
  }
  for (const peer of strays) {
    yield { state: 'warning', message: `Files are dirty for ${peer}, which no group has: 'csync2 -R' forgets them.` };
  }
}

/** Others may follow on the same line. */
function sentence(text: string): string {
  return /[.!?)]$/.test(text) ? text : `${text}.`;
}

function* expiry(certificate: CertificateFacts | undefined, whose: string): Generator<Trouble> {
  const message = certificate && expiryWarning(certificate, whose);
  if (certificate === undefined || message === undefined) return;
  yield { state: certificate.notAfter.getTime() <= Date.now() ? 'critical' : 'warning', message };
}

function report({ cluster, output }: Setup, place: Place, status: Status): number {
  const problems = [...troubles(status)];
  const exitCode = Math.max(0, ...problems.map(({ state }) => states.indexOf(state)));
  const state = states[exitCode] as State;
  const facts = { host: place.host, state, problems: problems.map(({ message }) => message) };
  if (output.json) output.line(jsonLine({ ...facts, ...forPrograms(cluster.groups, status) }));
  else for (const line of forPeople(facts, cluster.groups, status)) output.line(line);
  return exitCode;
}

type Groups = Setup['cluster']['groups'];

function forPrograms(groups: Groups, status: Status): JsonObject {
  return {
    groups: groups.map(({ name, myname, slave, auto, peers }) => {
      return { name, myname, slave, auto, peers: peers.map((peer) => peer.name) };
    }),
    peers: status.peers.map(({ peer, dirty, oldest, contact, certificate }) => ({
      ...(contact === undefined ? {} : contactFacts(contact)),
      peer,
      dirty,
      oldest: oldest === undefined ? undefined : iso(oldest),
      certificate: certificate && { ...certificate },
    })),
    certificate: status.certificate && { ...status.certificate },
    database: { ...status.database, files: status.files, hints: status.hints, actions: status.actions },
  };
}

function forPeople(
  { host, state, problems }: { readonly host: string; readonly state: State; readonly problems: readonly string[] },
  groups: Groups,
  { peers, certificate, database, files, hints, actions }: Status,
): string[] {
  return [
    `${state.toUpperCase()}: ${problems.length === 0 ? 'nothing to do' : problems.join(' ')}`,
    `host ${host}${certificate === undefined ? '' : `, certificate until ${day(certificate.notAfter)}`}`,
    ...groups.map((group) => `group ${group.name}: ${group.peers.map(({ name }) => name).join(' ')}`),
    ...peers.map((peer) => `peer ${peer.peer}: ${peerFacts(peer).join(', ')}`),
    `database ${database.name}: ${[
      `${Math.ceil(database.bytes / 1024)} KiB`,
      count(files, 'file'),
      count(hints, 'hint'),
      count(actions, 'action') + ' to run',
    ].join(', ')}`,
  ];
}

function peerFacts({ dirty, oldest, contact, certificate }: PeerStatus): string[] {
  return [
    dirty === 0 ? 'nothing to send' : `${count(dirty, 'file')} to send${age(oldest)}`,
    contact?.reached === undefined ? 'never reached' : `reached ${iso(contact.reached)}`,
    ...(contact?.failed === undefined ? [] : [`trouble ${iso(contact.failed)}: ${decode(contact.trouble ?? '')}`]),
    ...(certificate === undefined ? [] : [`certificate until ${day(certificate.notAfter)}`]),
  ];
}

function age(oldest: number | undefined): string {
  return oldest === undefined ? '' : `, the oldest since ${iso(oldest)}`;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
