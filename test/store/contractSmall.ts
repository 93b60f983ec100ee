import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { type Expected, expectedIn, Journal } from '../../src/scan/journal.ts';
import type { Change, UnfinishedRow } from '../../src/store/store.ts';
import { now } from '../../src/store/marks.ts';
import { clear, enc, mark, put, type OnStore } from './rows.ts';

export function smallTablesContract(onStore: OnStore): void {
  describe('hints, actions, certificates', () => {
    onStore('a name has at most one plain and one recursive hint', async (store) => {
      const hint = (type: 'putHint' | 'dropHint', name: string, recursive: boolean): Change => ({
        type,
        name: enc(name),
        recursive,
      });
      await store.apply([
        hint('putHint', '/b', false),
        hint('putHint', '/a\xe9', true),
        hint('putHint', '/a\xe9', true),
        hint('putHint', '/b', true),
        hint('putHint', '/B', true),
      ]);
      assert.deepEqual(await store.hints(), [
        { name: '/B', recursive: true },
        { name: '/a\xe9', recursive: true },
        { name: '/b', recursive: false },
        { name: '/b', recursive: true },
      ]);
      await store.apply([hint('dropHint', '/b', true), hint('dropHint', '/a\xe9', false)]);
      assert.deepEqual(await store.hints(), [
        { name: '/B', recursive: true },
        { name: '/a\xe9', recursive: true },
        { name: '/b', recursive: false },
      ]);
    });

    onStore('the database has a size', async (store) => {
      await store.apply([put('/a', 'v1:x')]);
      const bytes = await store.size();
      assert.ok(Number.isSafeInteger(bytes) && bytes >= 4096, String(bytes));
    });

    onStore('actions are queued once and come ordered by command, log file, name', async (store) => {
      const action = (type: 'queueAction' | 'dropAction', name: string, command: string, logfile: string): Change => ({
        type,
        name: enc(name),
        command: enc(command),
        logfile: enc(logfile),
      });
      await store.apply([
        action('queueAction', '/b', 'run%20b', '/l2'),
        action('queueAction', '/\xe9', 'run%20b', '/l1'),
        action('queueAction', '/a', 'run%20b', '/l1'),
        action('queueAction', '/a', 'run%20b', '/l1'),
        action('queueAction', '/z', 'Run', ''),
        action('queueAction', '/a', 'run%20a\xff', '/l1'),
      ]);
      const list = async (): Promise<string[]> =>
        (await store.actions()).map((row) => `${row.command} ${row.logfile} ${row.name}`);
      assert.deepEqual(await list(), [
        'Run  /z',
        'run%20a\xff /l1 /a',
        'run%20b /l1 /a',
        'run%20b /l1 /\xe9',
        'run%20b /l2 /b',
      ]);
      await store.apply([
        action('dropAction', '/a', 'run%20b', '/l1'),
        action('dropAction', '/b', 'run%20b', '/l1'),
        action('dropAction', '/z', 'Run', ''),
      ]);
      assert.deepEqual(await list(), ['run%20a\xff /l1 /a', 'run%20b /l1 /\xe9', 'run%20b /l2 /b']);
    });

    onStore('when marks were made is noted, the newest first', async (store) => {
      const begin = now();
      await store.apply([mark('/a', 'beta'), mark('/b\xe9', 'beta'), mark('/a', 'gamma'), put('/c')]);
      await store.apply([put('/d'), clear('/a', 'gamma')]);
      const noted = await store.marks();
      const texts = noted.map(({ peer, names }) => `${peer}: ${names.join(' ')}`);
      assert.deepEqual(texts.sort(), ['beta: /a /b\xe9', 'gamma: /a']);
      assert.ok(noted.every(({ at }) => at >= begin && at <= now()));

      await store.apply([{ type: 'tidyMarks' }]);
      assert.deepEqual(
        (await store.marks()).map(({ peer }) => peer),
        ['beta'],
      );
      const batches = [
        { peer: enc('beta'), at: begin - 10, names: [enc('/b\xe9')] },
        { peer: enc('gamma'), at: begin - 20, names: [enc('/x')] },
      ];
      await store.apply([{ type: 'replaceMarks', before: now() + 1, batches }]);
      assert.deepEqual(await store.marks(), batches);
      await store.apply([{ type: 'replaceMarks', before: begin - 15, batches: [] }]);
      assert.deepEqual(await store.marks(), batches.slice(0, 1));
    });

    onStore('names of any number and length are noted', async (store) => {
      const names = Array.from({ length: 300 }, (_, at) => `/${'x'.repeat(3900)}${at}`);
      await store.apply(names.map((name) => mark(name)));
      const noted = (await store.marks()).flatMap((batch) => batch.names as readonly string[]);
      assert.deepEqual(new Set(noted), new Set(names));
    });

    onStore('of the attempts to reach a peer the last of each kind is kept', async (store) => {
      const note = (peer: string, at: number, trouble?: string): Change => ({
        type: 'noteContact',
        peer: enc(peer),
        at,
        trouble: trouble === undefined ? undefined : enc(trouble),
      });
      assert.deepEqual(await store.contacts(), []);
      await store.apply([note('beta', 10), note('alpha', 11, 'no%20route'), note('beta', 12, 'was%0Alost:%20\xe9')]);
      await store.apply([note('beta', 13)]);
      assert.deepEqual(await store.contacts(), [
        { peer: enc('alpha'), reached: undefined, failed: 11, trouble: enc('no%20route') },
        { peer: enc('beta'), reached: 13, failed: 12, trouble: enc('was%0Alost:%20\xe9') },
      ]);
    });

    onStore('what was begun stays until its owner ends it', async (store) => {
      const begin = (owner: string, kind: 'file' | 'directory', subject: string, checktxt = ''): Change => ({
        type: 'begin',
        owner: enc(owner),
        kind,
        subject: enc(subject),
        checktxt: enc(checktxt),
      });
      await store.apply([
        begin('o1', 'file', '/\xe9', 'v1%3A'),
        begin('o1', 'directory', '/d'),
        begin('o2', 'file', '/A'),
      ]);
      await store.apply([{ type: 'end', owner: enc('o1'), kind: 'file' }, begin('o1', 'file', '/b', 'x')]);
      const order = ({ owner, kind, subject, checktxt }: UnfinishedRow): string =>
        [owner, kind, subject, checktxt].join(' ');
      assert.deepEqual((await store.unfinished()).map(order).sort(), [
        'o1 directory /d ',
        'o1 file /b x',
        'o2 file /A ',
      ]);
      await store.apply([begin('o2', 'file', '/c'), { type: 'end', owner: enc('o2'), kind: 'file' }]);
      assert.equal((await store.unfinished()).length, 2);
      assert.deepEqual(
        (await store.unfinished('file')).map(({ kind }) => kind),
        ['file'],
      );
    });

    onStore('what a session is about to do is kept, whatever the names and however many', async (store) => {
      const expected = Array.from({ length: 256 }, (_, at): Expected => {
        const name = enc(`/${at}${'/\xe9\xff%0A'.repeat(500)}`);
        if (at % 3 === 0) return { name, checktxt: undefined, microseconds: undefined };
        const target = enc('%25E9'.repeat(4000));
        if (at % 3 === 1) return { name, checktxt: enc(`v1%3Atype=lnk%3Atarget=${target}`), microseconds: undefined };
        return { name, checktxt: enc('v1%3Amtime=1%3Atype=reg%3Asize=2'), microseconds: at };
      });
      const journal = new Journal();
      await store.apply(journal.begin(expected));
      assert.deepEqual((await store.unfinished()).flatMap(expectedIn), expected);
      await store.apply(journal.settle());
      assert.deepEqual(await store.unfinished(), []);
      journal.close();
    });

    onStore('mount points are remembered once each, in order, until they are forgotten', async (store) => {
      const change = (type: 'noteMount' | 'dropMount', path: string): Change => ({ type, path: enc(path) });
      assert.deepEqual(await store.mounts(), []);
      await store.apply([change('noteMount', '/srv'), change('noteMount', '/A\xe9'), change('noteMount', '/srv')]);
      await store.apply([change('noteMount', '/srv'), change('noteMount', '/a%20b')]);
      assert.deepEqual(await store.mounts(), ['/A\xe9', '/a%20b', '/srv']);
      await store.apply([change('dropMount', '/srv'), change('dropMount', '/none')]);
      assert.deepEqual(await store.mounts(), ['/A\xe9', '/a%20b']);
    });

    onStore(
      'stamps of young files are noted, replaced, dropped; the rows of these files are another matter',
      async (store) => {
        const note = (name: string, stamp: string): Change => ({ type: 'noteYoung', name: enc(name), stamp });
        const drop = (name: string): Change => ({ type: 'dropYoung', name: enc(name) });
        assert.deepEqual(await store.young(), new Map());
        await store.apply([note('/a', '1'), note('/A\xe9', '2'), drop('/a'), note('/a', '1700000000999999999')]);
        await store.apply([{ type: 'putFile', name: enc('/a'), checktxt: enc('v1') }, note('/%25p%25/b%20c', '3')]);
        await store.apply([note('/A\xe9', '4'), drop('/none'), { type: 'dropFile', name: enc('/a') }]);
        const noted = async (): Promise<unknown> => [...(await store.young())].sort();
        assert.deepEqual(await noted(), [
          ['/%25p%25/b%20c', '3'],
          ['/A\xe9', '4'],
          ['/a', '1700000000999999999'],
        ]);
        const some = await store.young(['/a', '/A\xe9', '/none'].map(enc));
        assert.deepEqual([...some].sort(), [
          ['/A\xe9', '4'],
          ['/a', '1700000000999999999'],
        ]);
        assert.deepEqual(await store.young([]), new Map());
        await store.apply([drop('/a'), note('/z', '5'), drop('/z'), drop('/A\xe9')]);
        assert.deepEqual(await noted(), [['/%25p%25/b%20c', '3']]);
      },
    );

    onStore('the certificate of a peer is remembered, replaced, forgotten', async (store) => {
      const long = 'AB01'.repeat(2500);
      const certificate = (peer: string, text: string): Change => ({
        type: 'putCertificate',
        peer: enc(peer),
        certificate: text,
      });
      await store.apply([certificate('beta', '00FF'), certificate('alpha', long)]);
      assert.equal(await store.certificate(enc('beta')), '00FF');
      assert.equal(await store.certificate(enc('Beta')), undefined);
      assert.deepEqual(await store.certificates(), [
        { peer: 'alpha', certificate: long },
        { peer: 'beta', certificate: '00FF' },
      ]);
      await store.apply([certificate('beta', '01'), { type: 'dropCertificate', peer: enc('alpha') }]);
      assert.deepEqual(await store.certificates(), [{ peer: 'beta', certificate: '01' }]);
    });
  });
}
