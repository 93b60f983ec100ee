import type { DiskPath } from '../bytes/bytes.ts';
import { configuredDirectory, ensureDirectory, isDirectory, setLike } from '../filesystem/directory.ts';
import { inspect } from '../filesystem/inspect.ts';
import { openFile, type OpenFile } from '../filesystem/openFile.ts';
import { Problem } from '../filesystem/problem.ts';
import { renameWithin } from '../filesystem/remove.ts';
import { stageFile, type Staged } from '../filesystem/staged.ts';

export interface BackupSettings {
  /** Path of the backup directory, a byte string. */
  readonly directory: string;
  /** How many old versions are kept; there are no backups with less than two. */
  readonly generations: number;
}

/**
 * A copy of a regular file that is about to be replaced or removed: DIRECTORY/path, with the owner and mode of the original;
 * `keep` moves what was there before to `.1`, that to `.2` and so on up to `.N-1`. Missing directories are made like those
 * that the file is in. Undefined: anything but a regular file needs no backup.
 *
 * The copy is complete before older generations move, so a full disk loses none of them, and a crash none but the oldest.
 * With a Problem there is no new backup, and the file must not be changed.
 *
 * The names are those of the C program, and so a file that is itself called `x.1` shares its place with a generation of `x`,
 * and with the directory `/` generations stand beside the file: it is then the file itself that moves to `.1`.
 */
export function copyGeneration(path: DiskPath, settings: BackupSettings): Generation | Problem | undefined {
  if (settings.generations <= 1) return undefined;
  const file = openFile(path);
  if (file instanceof Problem) return nothingToKeep.has(file.code) ? undefined : file;
  try {
    const directory = configuredDirectory(settings.directory);
    if (directory instanceof Problem) return directory;
    const root = (directory === '/' ? '' : directory) as DiskPath;
    const place = (root + path) as DiskPath;
    return makeParents(root, path, settings.generations) ?? copyTo(file, place, settings);
  } finally {
    file.close();
  }
}

/** The copy stands beside its place. Exactly one of `keep` and `discard` ends it; `discard` after `keep` does nothing. */
export class Generation {
  readonly #staged: Staged;
  readonly #place: DiskPath;
  readonly #settings: BackupSettings;

  constructor(staged: Staged, place: DiskPath, settings: BackupSettings) {
    this.#staged = staged;
    this.#place = place;
    this.#settings = settings;
  }

  /** Where the configuration wants it. */
  get directory(): string {
    return this.#settings.directory;
  }

  /** After a Problem this is discarded. */
  keep(): Problem | undefined {
    const slots = usableSlots(this.#place, this.#settings.generations);
    const problem = slots instanceof Problem ? slots : rotate(slots);
    if (problem === undefined) return this.#staged.commit();
    this.discard();
    return problem;
  }

  discard(): void {
    this.#staged.discard();
  }
}

const nothingToKeep: ReadonlySet<string> = new Set(['ENOENT', 'PARENT_MISSING', 'EISDIR', 'NOT_REGULAR']);

/**
 * Every directory that `path` is in, below the backup directory `root`. Where one was a file in former times, the backup of that
 * file makes room and becomes an older generation.
 */
function makeParents(root: DiskPath, path: DiskPath, generations: number): Problem | undefined {
  const last = path.lastIndexOf('/');
  if (last > 0 && isDirectory((root + path.slice(0, last)) as DiskPath)) return undefined;
  for (let end = path.indexOf('/', 1); end >= 0; end = path.indexOf('/', end + 1)) {
    const ancestor = path.slice(0, end) as DiskPath;
    const original = inspect(ancestor);
    if (original.state === 'error') return original.problem;
    if (original.state !== 'present') return new Problem('PARENT_MISSING', path);
    const place = (root + ancestor) as DiskPath;
    const problem = makeRoom(place, generations) ?? ensureDirectory(place, original.entry);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function makeRoom(place: DiskPath, generations: number): Problem | undefined {
  const found = inspect(place);
  if (found.state !== 'present' || found.entry.kind !== 'reg') return undefined;
  const slots = usableSlots(place, generations);
  return slots instanceof Problem ? slots : rotate(slots);
}

function copyTo(file: OpenFile, place: DiskPath, settings: BackupSettings): Generation | Problem {
  const slots = usableSlots(place, settings.generations);
  if (slots instanceof Problem) return slots;
  const [newest] = slots;
  if (newest === undefined) return new Problem('EISDIR', place);
  const staged = stageFile(newest);
  if (staged instanceof Problem) return staged;
  const problem = copy(file, staged) ?? setLike(staged, file.entry);
  if (problem === undefined) return new Generation(staged, place, settings);
  staged.discard();
  return problem;
}

/**
 * Where generations of one file can stand, newest first, as far as to the first place that is free. A directory in such a
 * place holds the backups of files in a directory of that name, and a name can be too long to be numbered: generations
 * then do with the other places.
 */
function usableSlots(place: DiskPath, generations: number): DiskPath[] | Problem {
  const slots: DiskPath[] = [];
  for (let n = 0; n < generations; n++) {
    const path = (n === 0 ? place : `${place}.${n}`) as DiskPath;
    const found = inspect(path);
    if (found.state === 'error') {
      if (found.problem.code === 'ENAMETOOLONG' && n > 0) continue;
      return found.problem;
    }
    if (found.state !== 'present') return [...slots, path];
    if (found.entry.kind !== 'dir') slots.push(path);
  }
  return slots;
}

/** Frees the first place by moving every generation on by one; what is in the last place goes. */
function rotate(slots: readonly DiskPath[]): Problem | undefined {
  for (let n = slots.length - 1; n > 0; n--) {
    const from = slots[n - 1] as DiskPath;
    const to = slots[n] as DiskPath;
    const problem = renameWithin(from, to.slice(to.lastIndexOf('/') + 1));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const chunk = 1 << 18;

function copy(file: OpenFile, staged: Staged): Problem | undefined {
  const buffer = Buffer.allocUnsafe(Math.min(chunk, file.entry.size + 1));
  for (let position = 0; ;) {
    const count = file.read(buffer, position);
    if (count instanceof Problem) return count;
    if (count === 0) return undefined;
    const problem = staged.write(buffer.subarray(0, count), position);
    if (problem !== undefined) return problem;
    position += count;
  }
}
