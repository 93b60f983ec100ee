// Run by ordinaryUser.test.ts as a user who is not root; prints what happened as JSON. The argument is a directory of that user.
import fs from 'node:fs';
import { fromText } from '../../src/bytes/bytes.ts';
import { encode } from '../../src/bytes/urlEncoding.ts';
import { keepGeneration } from '../backups/keepGeneration.ts';
import { inspect } from '../../src/filesystem/inspect.ts';
import { setMode, setOwner } from '../../src/filesystem/metadata.ts';
import { openFile } from '../../src/filesystem/openFile.ts';
import { Problem } from '../../src/filesystem/problem.ts';
import { remove } from '../../src/filesystem/remove.ts';
import { stageFile, stageSpecial } from '../../src/filesystem/staged.ts';
import { Walk, type WalkFilter } from '../../src/filesystem/walk.ts';
import { disk } from './scratch.ts';
import { parseRows } from '../../src/store/rowLines.ts';

const root = fromText(process.argv[2] ?? '');
const at = (name: string) => disk(`${root}/${name}`);
const said = (result: unknown) =>
  result instanceof Problem ? result.message : result === undefined ? 'done' : 'other';

function commit(): unknown {
  const staged = stageFile(at('own/file'));
  if (staged instanceof Problem) return staged;
  return staged.write(Buffer.from('new'), 0) ?? staged.setMode(0o4755) ?? staged.commit();
}

function giveAway(): unknown {
  const staged = stageFile(at('own/given'));
  if (staged instanceof Problem) return staged;
  const result = staged.setOwner(0, 0);
  staged.discard();
  return result;
}

const everything: WalkFilter = { covers: () => true, mayContain: () => true, enter: () => everything };
const options = { ignored: { uid: true, gid: true, mod: true } };
const walked = new Walk(at('tree'), encode(at('tree')), everything, options).next(100);

const result = {
  commit: said(commit()),
  giveAway: said(giveAway()),
  device: said(stageSpecial(at('own/device'), 'chr', 259)),
  openForeign: said(openFile(at('foreign/secret'))),
  stageInForeign: said(stageFile(at('foreign/new'))),
  removeForeign: said(remove(at('foreign/secret'))),
  chmodForeign: said(setMode(at('foreign/secret'), 0o777)),
  chownForeign: said(setOwner(at('foreign/secret'), 12, 12)),
  inspectClosed: inspect(at('closed/file')),
  backup: said(keepGeneration(at('foreign/readable'), { directory: at('backup'), generations: 2 })),
  names: walked && parseRows(walked.lines).names.map((name) => name.slice(root.length)),
  unknown: walked?.unknown.map((range) => [range.from.slice(root.length), range.to.slice(root.length)]),
  problems: walked?.problems.map((problem) => `${problem.path.slice(root.length)}: ${problem.message}`),
};
fs.writeSync(
  1,
  JSON.stringify(result, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
);
