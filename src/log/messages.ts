/**
 * The texts of messages that scripts look for, in one table. Functions take and give byte strings; file names are in
 * their decoded `%prefix%` form. Level and stream are those of the C program.
 */

// Level 1 unless said otherwise.

export const connectingTo = (host: string, encrypted: boolean) =>
  `Connecting to host ${host} (${encrypted ? 'SSL' : 'PLAIN'}) ...`;
export const boundTo = (address: string, port: number, name: string) => `Bound to ${address}:${port} as ${name}.`;
export const connectTo = (address: string, port: number, host: string) => `Connect to ${address}:${port} (${host}).`;
export const bindIgnored = (name: string) => `Local socket bind() to ${name} failed; ignored.`;
export const cannotConnect = (reason: string) => `Can't create socket: ${reason}`;
export const cannotResolve = (reason: string) => `Cannot resolve peername, getaddrinfo: ${reason}`;
/** An error. */
export const connectionFailed = (host: string) => `ERROR: Connection to remote host \`${host}' failed.`;
export const hostStaysDirty = 'Host stays in dirty state. Try again later...';

export const listeningOn = (address: string, port: number, name: string) =>
  `Listening on ${address}:${port} as ${name}.`;
/** To stdout, whatever the level, once connections are accepted. */
export const daemonRunning = 'Csync2 daemon running. Waiting for connections.';
export const newConnection = (address: string, port: number) => `New connection from ${address}:${port}.`;
/** An error. */
export const tooManySessions = (address: string) => `Connection from ${address} refused: too many sessions.`;
export const recovered = (file: string) => `Finished what was interrupted: ${file}`;
/** An error. */
export const inDoubt = (file: string) =>
  `${file} was being received when this host went down, and may not be whole. ` +
  'A peer that runs this program sends it once more; for others compare with -T, and mark it there (-m) to have it sent.';
export const removedLeftover = (path: string) => `Removed the leftover of an interrupted transfer: ${path}`;
export const updatedFrom = (file: string, peer: string) => `Updated ${file} from ${peer}.`;
export const addingCertificate = (hexDer: string) => `Adding peer x509 certificate to db: ${hexDer}`;
/** An error. */
export const wrongCertificate = 'Peer did provide a wrong SSL X509 certificate.';
/** What to do about it. Level 0, not counted. */
export const acceptNewCertificate = (host: string) =>
  `If ${host} was given a new certificate, accept it with: csync2 --rm-ssl-cert ${host}`;
/** An error. */
export const unacceptableCertificate = (host: string, reason: string) =>
  `The certificate that ${host} shows is refused: ${reason}.`;
/** An error. */
export const noCertificate = 'Peer did not provide an SSL X509 certificate.';

/** An error. */
export const notMounted = (path: string) =>
  `${path} is not mounted, as it was when its files were recorded: nothing there is checked, compared, sent or received. ` +
  `Mount it; or, if it is gone for good: csync2 --forget-mount ${path}`;

/** After the error, which is said of the first of several files only. Level 0, not counted. */
export const notMountedThere = (host: string, files: number) =>
  `${files} files were refused because their file systems are not mounted on ${host}: its log names these.`;

/** An error. */
export const noMount = (path: string) => `${path} is not remembered as a mount point.`;

export const markingDirty = (file: string) => `Marking file as dirty: ${file}`;
export const updating = (file: string, host: string) => `Updating ${file} on ${host} ...`;
export const deleting = (file: string, host: string) => `Deleting ${file} on ${host} ...`;
export const upToDate = 'File is already up to date on peer.';
export const missingParent = (directory: string) => `missing parent dir : ${directory}`;
export const fileStaysDirty = 'File stays in dirty state. Try again later...';
/** In front of an error that a peer reported (level 0), or of any reply (level 2). */
export const whileSyncing = (file: string) => `While syncing file ${file}:`;
/** An error. */
/** After a peer refused HELLO, which tells no more than that. */
export const askPeerWhy = (host: string, myname: string) =>
  `The log of ${host} says why. If ${myname} was given a new certificate, there: csync2 --rm-ssl-cert ${myname}`;
/** After a peer refused HELLO because the connection is not encrypted. */
export const compareNossl = (host: string) =>
  `There is a 'nossl' for ${host} in the configuration of this host, and none for this host in that of ${host}.`;
/** What a server does not tell peers: who is not who it says. */
export const notAtAddress = (host: string, address: string) =>
  `${host} does not resolve to ${address}, which a peer by that name connects from.`;
export const tooManyStrangers = (host: string) =>
  `${host} is no peer in the configuration, and another such name is being looked up.`;
export const notEncrypted = (host: string) =>
  `${host} does not encrypt, and there is no 'nossl' for it in the configuration.`;
export const errorFromPeer = (host: string, reply: string) => `ERROR from peer ${host}: ${reply}`;

/** What decided a conflict; both directions of a method go by one name. */
export type ConflictTest = 'master/slave' | 'first' | 'left/right' | 'younger/older' | 'bigger/smaller';
export const conflictWon = (test: ConflictTest) => `Auto-resolving conflict: Won '${test}' test.`;
export const conflictLost = (test: ConflictTest) => `Do not auto-resolve conflict: Lost '${test}' test.`;
export const conflictIsRemoval = 'Do not auto-resolve conflict: This is a removal.';

export const skippingUpdate = (file: string, host: string) =>
  `Skipping file update ${file} on ${host} - not in my groups.`;
export const skippingDeletion = (file: string, host: string) =>
  `Skipping deletion ${file} on ${host} - not in my groups.`;

/**
 * A line of a dry run, to stdout: what the update would do to a peer.
 * `?S` nothing, it has the same; `?M` change it, `?D` delete it; with `!` by force.
 */
export const dryRun = (mark: '?M' | '?D' | '?S' | '!M' | '!D', host: string, file: string) =>
  `${mark}: ${host.padEnd(15)} ${file}`;

export const inSyncCheck = (myname: string, peer: string) => `Running in-sync check for ${myname} <-> ${peer}.`;
export const noSuchPair = (myname: string, peer: string) =>
  `Host pair not found in configuration. No group has ${myname} and ${peer} together.`;
export const removingFromFiles = (file: string) => `Removing ${file} from file db.`;
export const removingFromDirty = (file: string, peer: string) => `Removing ${file} (${peer}) from dirty db.`;
export const backingUp = (file: string, group: string) => `backup ${file} for group ${group}`;
export const runningCommand = (command: string) => `Running '${command}' ...`;

export const connectionClosed = 'Connection closed.';
/** Level 1 without errors, level 0 with some. */
export const finished = (errors: number) => `Finished with ${errors} errors.`;

// Level 0, not counted as errors.

export const notAPeer = (name: string) => `WARNING: ${name}, which -P names, is no peer of this host.`;
export const parameterIgnored = (file: string) => `WARNING: Parameter will be ignored: ${file}`;
export const lockFound = (path: string) => `Found ${path}`;
export const notAMember = (host: string) => `This host (${host}) is not a member of any configured group.`;

// Level 2: decisions.

export const configFile = (path: string) => `Config-File:   ${path}`;
export const databaseFile = (url: string) => `Database-File: ${url}`;
export const myHostname = (name: string) => `My hostname is ${name}.`;
export const prefixIsSet = (prefix: string, path: string) => `Prefix '${prefix}' is set to '${path}'.`;
export const prefixMatched = (file: string, path: string) => `Prefix matched: ${file} <- ${path}.`;
export const runningCheck = (file: string, recursive: boolean) =>
  `Running${recursive ? ' recursive' : ''} check for ${file} ...`;
export const checking = (file: string) => `Checking ${file}.`;
export const newFile = (file: string) => `New file: ${file}`;
export const fileChanged = (file: string) => `File has changed: ${file}`;
export const patternMatched = (included: boolean, pattern: string, file: string) =>
  `Match (${included ? '+' : '-'}): ${pattern} on ${file}`;
export const metadataDiffers = (file: string, position: number) =>
  `File ${file} is different on peer (cktxt char #${position}).`;
export const contentDiffers = 'File is different on peer (rsync sig).';

// Level 3: the wire.

/** `Local> ` is what we send, `Peer> ` what we receive. Bytes that do not print are shown as `\n` or in octal. */
export const wire = (sender: 'Local' | 'Peer', bytes: string) => `${sender}> ${bytes.replace(unprintable, escape)}`;

const unprintable = /[^\x20-\x7e]/g;
const escape = (byte: string) => (byte === '\n' ? '\\n' : `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
