import { after, before, describe } from 'node:test';

import { postgresMissing, type Server, startPostgres } from '../store/servers.ts';
import { togetherTests } from './together.ts';

describe('csync2 with its state on PostgreSQL', { skip: postgresMissing }, () => {
  let server: Server;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());

  const url = (database: string, port = server.port): string =>
    `pgsql://postgres:pass%40word@127.0.0.1:${port}/${database}`;

  togetherTests(url);
});
