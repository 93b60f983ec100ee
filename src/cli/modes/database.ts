import type { DiskPath, FileName } from '../../bytes/bytes.ts';
import { decode, encode } from '../../bytes/urlEncoding.ts';
import { lineFilter, rowFilter } from '../../groups/coverage.ts';
import * as messages from '../../log/messages.ts';
import { markDirty } from '../../scan/marking.ts';
import { parseRows } from '../../store/rowLines.ts';
import { allNames, below, type Change, exactly, type NameRange } from '../../store/store.ts';
import type { Setup } from '../setup.ts';

/** The paths that are covered, or that something below them may be; the others draw a warning. */
export function coveredPaths(setup: Setup, paths: readonly DiskPath[]): DiskPath[] {
  return paths.filter((path) => {
    const covered = coveredNames(setup, path).length > 0 || setup.cluster.prefixesBelow(path).length > 0;
    if (!covered) setup.log.write(0, messages.parameterIgnored(path));
    return covered;
  });
}

/** The names that a path goes by and that are covered, or that something below them may be. */
export function coveredNames({ cluster }: Setup, path: DiskPath): FileName[] {
  const coverage = cluster.coverage();
  return cluster.toNames(path).filter((name) => coverage.covers(name) || coverage.mayContain(name));
}

/** Ranges of encoded names at a path, and with `recursive` below it, in every form that the path has. */
export function rangesOf(setup: Setup, path: DiskPath, recursive: boolean): NameRange[] {
  const at = coveredNames(setup, path);
  const names = recursive ? [...at, ...setup.cluster.prefixesBelow(path)] : at;
  return names.flatMap((name) => (recursive ? [exactly(encode(name)), below(encode(name))] : [exactly(encode(name))]));
}

/** `-h`: paths to check later; one that nothing covers is kept too, as the configuration may change before that. */
export async function addHints(setup: Setup, paths: readonly DiskPath[], recursive: boolean): Promise<void> {
  coveredPaths(setup, paths);
  await setup.store.apply(paths.map((path) => ({ type: 'putHint', name: encode(path), recursive })));
}

/** `-f`: what is dirty there wins the next conflict. */
export async function force(setup: Setup, paths: readonly DiskPath[], recursive: boolean): Promise<void> {
  const ranges = paths.flatMap((path) => rangesOf(setup, path, recursive));
  await setup.store.apply(ranges.map((range) => ({ type: 'forceDirty', range })));
}

/** `-m`: dirty for every peer, whether it changed or not; with `recursive` every file row below as well. */
export async function mark(
  setup: Setup,
  paths: readonly DiskPath[],
  recursive: boolean,
  forced: boolean,
): Promise<void> {
  const { cluster, store, log } = setup;
  const marks = (name: FileName): Change[] => {
    const changes = markDirty(cluster, name, encode(name), forced);
    if (changes.length > 0) log.write(1, messages.markingDirty(name));
    return changes;
  };
  for (const path of paths) {
    for (const name of coveredNames(setup, path)) await store.apply(marks(name));
    if (!recursive) continue;
    const names = [...cluster.toNames(path), ...cluster.prefixesBelow(path)];
    for (const name of names) {
      for await (const page of store.files(below(encode(name)))) {
        await store.apply(page.names.flatMap((row) => marks(decode(row) as FileName)));
      }
    }
  }
}

/** `--forget-mount`: what was mounted there, and below, is not expected any more. */
export async function forgetMounts({ store, log }: Setup, paths: readonly DiskPath[]): Promise<void> {
  const known = (await store.mounts()).map((path) => decode(path));
  for (const path of paths) {
    const inside = path === '/' ? path : `${path}/`;
    const forgotten = known.filter((mount) => mount === path || mount.startsWith(inside));
    if (forgotten.length === 0) log.error(messages.noMount(path));
    await store.apply(forgotten.map((mount) => ({ type: 'dropMount', path: encode(mount) })));
  }
}

/** `-R`: file and dirty rows that the configuration no longer covers. */
export async function prune({ cluster, store, log }: Setup): Promise<void> {
  const isCovered = rowFilter(cluster.coverage());
  const keep = lineFilter(cluster.coverage());
  for await (const lines of store.fileLines(allNames)) {
    if (keep(lines).length === lines.length) continue;
    const stale = parseRows(lines).names.filter((name) => !isCovered(name));
    for (const name of stale) log.write(1, messages.removingFromFiles(decode(name)));
    await store.apply(stale.map((name) => ({ type: 'dropFile', name })));
  }
  for await (const page of store.dirty({})) {
    const stale = page.filter(({ name, peer }) => {
      return cluster.groupFor(decode(peer), decode(name) as FileName) === undefined;
    });
    for (const { name, peer } of stale) log.write(1, messages.removingFromDirty(decode(name), decode(peer)));
    await store.apply(stale.map(({ name, peer }) => ({ type: 'clearDirty', name, peer })));
  }
}
