import assert from 'node:assert/strict';
import { setTimeout as later } from 'node:timers/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { contentDigest } from '../../src/protocol/contentDigest.ts';
import { Allowance } from '../../src/session/allowance.ts';
import { key, peer, Serving } from './serving.ts';

/** A delta that is all new bytes. */
function delta(content: string): string {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(content.length);
  const bytes = `rs\x026\x42${length.toString('latin1')}${content}\0`;
  return `octet-stream ${bytes.length}\n${bytes}`;
}

describe('the largest file that is taken', () => {
  const attributes = 'check 33188 0 0 1 0';
  const requests = (content: string): readonly (readonly [string, RegExp])[] => {
    const digest = contentDigest(Buffer.from(content, 'latin1'));
    return [
      [
        `XSET ${key} %25t%25/set ${attributes} reg ${content.length} ${digest}\n`,
        /File too large|OK \(path_not_found\)/,
      ],
      [`XPUT ${key} %25t%25/put ${attributes}\noctet-stream ${content.length}\n${content}`, /File too large|OK \(cmd/],
      [`PATCH ${key} %25t%25/patch\n${delta(content)}`, /File too large|OK \(cmd_finished\)\.\n/],
    ];
  };
  for (const [size, fits] of [
    [100, true],
    [101, false],
  ] as const) {
    test(`${size} bytes where 100 are allowed: ${fits ? 'taken' : 'refused, and the session goes on'}`, async (t) => {
      const serving = new Serving();
      t.after(() => serving.close());
      serving.largestFile = 100;
      for (const [request, answer] of requests('x'.repeat(size))) {
        const said = await serving.talk(`CAPS xput\n${request}GETSZ ${key} %25t%25/nothing\n`);
        assert.match(said, answer);
        assert.equal(said.includes('File too large'), !fits, said);
        assert.match(said, /OK \(data_follows\)\.\n-1\n$/, 'the next command is understood');
      }
      assert.deepEqual(readdirSync(serving.tree).sort(), fits ? ['patch', 'put'] : []);
      if (fits) assert.equal(readFileSync(join(serving.tree, 'put'), 'latin1').length, size);
    });
  }
});

describe('time that a peer may take', () => {
  test('adds up over several waits, and time in between is free', async () => {
    let spent = false;
    let release: () => void = () => undefined;
    const forEver = new Promise<void>((resolve) => (release = resolve));
    const allowance = new Allowance(500, () => {
      spent = true;
      release();
    });
    await allowance.spend(later(10));
    await later(600);
    await allowance.spend(later(10));
    assert.equal(spent, false);
    await allowance.spend(forEver);
    assert.equal(spent, true);
  });

  test('does not matter any more once that is lifted', async () => {
    let spent = false;
    const allowance = new Allowance(20, () => (spent = true));
    await allowance.spend(later(1));
    allowance.lift();
    await allowance.spend(later(100));
    assert.equal(spent, false);
  });
});

test('names of strangers that nobody answers for: one is waited for, another refused, members are let in', async (t) => {
  const [slow, other, third] = [new Serving(), new Serving(), new Serving()];
  t.after(async () => {
    for (const serving of [slow, other, third]) await serving.close();
  });
  let answer: (isThere: boolean) => void = () => undefined;
  const asked: string[] = [];
  const never = new Promise<boolean>((resolve) => (answer = resolve));
  for (const serving of [slow, other, third]) {
    serving.resolvesTo = async (host) => {
      asked.push(host);
      return host === peer || never;
    };
  }
  const waiting = slow.talk('HELLO slow.example\n');
  while (!asked.includes('slow.example')) await later(5);
  assert.equal(await other.talk('HELLO other.example\n'), 'Identification failed!\n');
  assert.ok(!asked.includes('other.example'));
  assert.ok(
    other.log.some((line) => line.includes('other.example is no peer in the configuration')),
    other.log.join('\n'),
  );
  assert.equal(await other.talk(`GETSZ ${key} %25t%25/nothing\n`), 'OK (data_follows).\n-1\n');
  answer(false);
  assert.equal(await waiting, 'Identification failed!\n');
  assert.equal(await third.talk('HELLO third.example\n'), 'Identification failed!\n');
  assert.ok(asked.includes('third.example'), 'the next one is looked up again');
});
