import assert from 'node:assert/strict';
import { decode, encode } from '../../../src/bytes/urlEncoding.ts';
import { parseChecktxt } from '../../../src/entry/checktxt.ts';
import { redact } from '../../../src/protocol/redact.ts';
import {
  formatCommand,
  isBlank,
  parseBlobHeader,
  parseCapabilities,
  parseCommand,
  parseNumberLine,
  validateName,
} from '../../../src/protocol/protocol.ts';
import { formatRows, parseRows } from '../../../src/store/rowLines.ts';
import { StoreError } from '../../../src/store/store.ts';
import type { Random } from '../harness/random.ts';
import { mutate, noise } from './mutate.ts';
import { outcome, type Target } from './target.ts';

/** One of these texts, changed at random, or nothing but noise. */
function nearly(samples: readonly string[]): (rng: Random) => Buffer {
  const valid = samples.map((sample) => Buffer.from(sample, 'latin1'));
  return (rng) => (rng.below(20) === 0 ? noise(rng, rng.below(60)) : mutate(rng.pick(valid), rng));
}

const key = 'K'.repeat(32);
const digest = '0123456789abcdef'.repeat(2);

export const urlDecoding: Target = {
  name: 'url',
  input: nearly(['%25home%25/a%20b', '/a/%3A%7c/b', '%', '%%%41%4', '/plain/name', '%00%ff%FF', '/../%2e%2e/x']),
  run(input) {
    const text = input.toString('latin1');
    const decoded = decode(text);
    const plainly = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    assert.equal(decoded, plainly);
    const encoded = encode(decoded);
    assert.doesNotMatch(encoded, /[\x01-\x20\x7f"'$:|\\]/);
    assert.equal(decode(encoded), decoded);
    const name = validateName(decoded);
    if (name === undefined) return;
    assert.equal(name, decoded);
    assert.ok(!/\0|\/\/|(^|\/)\.{1,2}(\/|$)/.test(name) && /^[/%]/.test(name), name);
  },
};

const requests = [
  'SSL',
  'CONFIG web',
  'GROUP a,b',
  'HELLO host.example',
  'CAPS xput targets',
  'BYE',
  ...['SIG', 'MARK', 'TYPE', 'GETTM', 'GETSZ', 'FLUSH', 'DEL', 'PATCH', 'MKDIR', 'MKFIFO', 'MKSOCK'].map(
    (name) => `${name} ${key} %25d%25/a%20b`,
  ),
  `MKCHR ${key} /dev/x 259`,
  `MKLINK ${key} /l ../a%20b`,
  `SETOWN ${key} /f 1000 -2`,
  `SETMOD ${key} /f 33188`,
  `SETIME ${key} /f -5 999999999`,
  `XDEL ${key} /f check`,
  `XPUT ${key} /f force 33188 4294967294 0 -1 5`,
  `XSET ${key} /f check 33188 0 0 1 5 reg 77 ${digest}`,
  `XSET ${key} /f check 41471 0 0 1 5 lnk a%20b`,
  `XSET ${key} /f check 8612 0 0 1 5 chr 259`,
  'LIST peer.example - k1 k2',
  'LIST peer.example /etc k1',
];

export const commandDecoding: Target = {
  name: 'command',
  input: nearly(requests),
  run(input) {
    const line = input.toString('latin1').replaceAll('\n', ' ');
    redact(line);
    if (isBlank(line)) return;
    const command = parseCommand(line);
    if (command.name === 'refused') {
      assert.ok(command.reply.length > 0 && !/^OK \(|\n/.test(command.reply), command.reply);
      return;
    }
    if ('file' in command && command.file !== undefined) assert.equal(validateName(command.file), command.file);
    // Without a peer's name there is nothing to list, and no way to write it.
    if (command.name === 'LIST' && command.peer === '') return;
    const again = parseCommand(formatCommand(command));
    assert.equal(JSON.stringify(again), JSON.stringify(command));
    if ('key' in command)
      assert.equal(
        redact(line)
          .split(/[ \t\r\v\f]+/)
          .filter(Boolean)[1],
        'KEY',
      );
  },
};

export const rowDecoding: Target = {
  name: 'rows',
  input: nearly([
    'v1%3Amtime=1700000000%3Amode=33188%3Auid=0%3Agid=-2%3Atype=reg%3Asize=77\t%25t%25/a%20b',
    'v1:mtime=0:mode=33188:uid=0:gid=0:type=lnk:target=a%20b',
    'v1:mode=16877:uid=0:gid=0:type=dir',
    'v1:mtime=3:mode=8612:uid=4294967294:gid=0:type=chr:dev=259',
    'v1%3Atype=dir\t/a\nv1%3Amtime=1%3Atype=fifo\t/b\n',
    'OK (caps xput targets).',
    '-9007199254740991',
    'octet-stream 12',
    'octet-stream -1',
    'ERROR',
  ]),
  run(input) {
    const text = input.toString('latin1');
    const rows = outcome(() => parseRows(text), StoreError);
    if (!rows.startsWith('error')) {
      const { names, checktxts } = parseRows(text);
      assert.equal(formatRows(names, checktxts), text);
    }
    const fields = parseChecktxt(text);
    if (fields !== undefined) assert.ok(text.includes(`type=${fields.kind}`), text);
    for (const extension of parseCapabilities(text)) assert.ok(text.includes(extension));
    const number = parseNumberLine(text);
    assert.ok(number === undefined || Number.isSafeInteger(number));
    const blob = parseBlobHeader(text);
    assert.ok(typeof blob === 'string' || (Number.isSafeInteger(blob) && blob >= 0));
  },
};
