import type { DiskPath, FileName } from '../../bytes/bytes.ts';
import { decode, encode } from '../../bytes/urlEncoding.ts';
import { inspect } from '../../filesystem/inspect.ts';
import { Walk } from '../../filesystem/walk.ts';
import { parseRows } from '../../store/rowLines.ts';
import { jsonLine } from '../json.ts';
import type { Setup } from '../setup.ts';
import { coveredNames } from './database.ts';

/** `-o`: what the configuration covers at (and with `recursive` below) these paths, with its `compare` patterns. */
export function listCovered(setup: Setup, paths: readonly DiskPath[], recursive: boolean): void {
  for (const path of paths) {
    const names = coveredNames(setup, path);
    if (recursive) names.push(...setup.cluster.prefixesBelow(path));
    for (const name of names) coverOne(setup, name, recursive);
  }
}

function coverOne({ cluster, output, ignored, log }: Setup, name: FileName, recursive: boolean): void {
  const coverage = cluster.coverage(true);
  const path = cluster.toDisk(name);
  if (path === undefined) return;
  const print = (file: FileName): void => {
    output.line(output.json ? jsonLine({ file, path: cluster.toDisk(file) }) : file);
  };
  if (coverage.covers(name) && inspect(path).state === 'present') print(name);
  if (!recursive || !coverage.mayContain(name)) return;
  const walk = new Walk(path, encode(name), coverage.enter(name), { ignored });
  for (let batch = walk.next(4096); batch !== undefined; batch = walk.next(4096)) {
    for (const found of parseRows(batch.lines).names) print(decode(found) as FileName);
    for (const problem of batch.problems) log.error(problem.toString());
  }
}
