// What the host sees: the functions, and where it has to put and find things.
export { MAX_RUNS, RECORDS, RUNS, SIGNATURE, WINDOW, WINDOW_BYTES } from './layout';
export { sign } from './sign';
export { prepare } from './table';
export { begin, matchTail, runCount, scan } from './scan';
