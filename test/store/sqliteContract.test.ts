import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';

import { openSqlite } from '../../src/store/sqlite/sqlite.ts';
import { storeContract } from './contract.ts';

describe('SQLite', () => {
  const directory = mkdtempSync(join(tmpdir(), 'store-'));
  after(() => rmSync(directory, { recursive: true }));
  let count = 0;
  const open = async () =>
    openSqlite(join(directory, `${count}.db3`), { lockTimeout: 2, unsafe: false, smallTransactions: false });
  storeContract(open, async () => {
    count++;
  });
});
