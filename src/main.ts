import { run } from './cli/run.ts';

void run().then((status) => {
  process.exitCode = status;
  // Ended by a signal: nobody wants to wait for a connection that does not come about.
  if (status > 128) process.exit();
});
