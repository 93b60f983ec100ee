import { run } from './cli/run.ts';

// Node would open a debugger to whoever is on this host. It is to end the program, as it does any other.
process.once('SIGUSR1', (signal) => process.kill(process.pid, signal));

void run().then((status) => {
  process.exitCode = status;
  // Ended by a signal: nobody wants to wait for a connection that does not come about.
  if (status > 128) process.exit();
});
