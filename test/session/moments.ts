import fs from 'node:fs';
import { join } from 'node:path';
import { encode } from '../../src/bytes/urlEncoding.ts';
import type { Change, Store } from '../../src/store/store.ts';
import { key, Serving } from './serving.ts';

export const name = encode('%t%/f');
export const me = `${process.getuid?.()} ${process.getgid?.()}`;
export const checktxt = (size: number, time: number) =>
  encode(`v1:mtime=${time}:mode=33188:uid=${me.replace(' ', ':gid=')}:type=reg:size=${size}`);

export function write(serving: Serving, content: string, time: number): Change {
  const path = join(serving.tree, 'f');
  fs.writeFileSync(path, content);
  fs.chmodSync(path, 0o644);
  fs.utimesSync(path, time, time);
  return { type: 'putFile', name, checktxt: checktxt(content.length, time) };
}

export const mark: Extract<Change, { type: 'markDirty' }> = {
  type: 'markDirty',
  name,
  peer: encode('127.2.9.3'),
  myname: encode('me'),
  forced: false,
};

export type Moment = (serving: Serving, happens: () => Promise<void>) => void;

/** Lets something happen once, at the moment when the session has just called this function of its store. */
export function afterCall<Name extends 'dirtyAmong' | 'apply'>(
  method: Name,
  isMeant: (...args: Parameters<Store[Name]>) => boolean,
): Moment {
  return (serving, happens) => {
    const store = serving.store;
    const real = store[method].bind(store) as (...args: unknown[]) => Promise<unknown>;
    const call = async (...args: Parameters<Store[Name]>): Promise<unknown> => {
      const result = await real(...args);
      if (isMeant(...args)) {
        store[method] = real as Store[Name];
        await happens();
      }
      return result;
    };
    store[method] = call as Store[Name];
  };
}

export const moments: Record<string, Moment> = {
  'when the marks were read': afterCall('dirtyAmong', () => true),
  'when what is to come was written down': afterCall('apply', (changes) =>
    changes.some(({ type }) => type === 'begin'),
  ),
};

export const requests: Record<string, string> = {
  XPUT: `XPUT ${key} ${name} check 33188 ${me} 1700000000 0\noctet-stream 6\ntheirs`,
  XSET: `XSET ${key} ${name} check 41471 ${me} 1700000000 0 lnk target`,
  XDEL: `XDEL ${key} ${name} check\n`,
  DEL: `DEL ${key} ${name}\n`,
};
