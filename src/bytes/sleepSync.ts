/** Stops this thread. Others, and the kernel, go on. */
export function sleepSync(milliseconds: number): void {
  Atomics.wait(nobodyWakes, 0, 0, milliseconds);
}

const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
