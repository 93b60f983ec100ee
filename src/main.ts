import { run } from './cli/run.ts';

void run().then((status) => {
  process.exitCode = status;
});
