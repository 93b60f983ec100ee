import { after, before, describe } from 'node:test';

import { mysqlMissing, type Server, startMysql } from '../store/servers.ts';
import { togetherTests } from './together.ts';

describe('csync2 with its state on MySQL', { skip: mysqlMissing }, () => {
  let server: Server;
  before(async () => {
    server = await startMysql();
  });
  after(() => server.stop());

  const url = (database: string, port = server.port): string =>
    `mysql://csync2:pass%40word@127.0.0.1:${port}/${database}`;

  togetherTests(url);
});
