// A process that writes to an SQLite database: writer.ts PATH PREFIX BATCHES ROWS
import { openSqlite } from '../../src/store/sqlite/sqlite.ts';
import { mark, put } from './rows.ts';

const [path = '', prefix = '', batches = '0', rows = '0'] = process.argv.slice(2);
const store = openSqlite(path, { lockTimeout: 20, unsafe: false, smallTransactions: false });
for (let batch = 0; batch < Number(batches); batch++) {
  const names = Array.from({ length: Number(rows) }, (_, row) => `${prefix}/${batch}/${row}`);
  await store.apply(names.flatMap((name) => [put(name, prefix), mark(name)]));
}
await store.close();
