import { Worker } from 'node:worker_threads';

/** Seconds that one case may take before the process is ended: it hangs. */
const patience = 10;

const watching = `
const { workerData: { shared, patience } } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const now = new Float64Array(shared);
let [seen, since] = [-1, 0];
setInterval(() => {
  if (now[0] !== seen) return void ([seen, since] = [now[0], 0]);
  if (++since < patience) return;
  writeSync(2, 'fuzz: hangs: case with seed ' + seen + ' of the target named last\\n');
  process.kill(process.pid, 'SIGKILL');
}, 1000);
`;

/** Ends the process when no new seed is told for some seconds. A thread of its own watches, since a hang is not interrupted. */
export function watch(): (seed: number) => void {
  const shared = new SharedArrayBuffer(8);
  const now = new Float64Array(shared);
  new Worker(watching, { eval: true, execArgv: [], workerData: { shared, patience } }).unref();
  return (seed) => (now[0] = seed);
}
