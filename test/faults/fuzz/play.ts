import { random } from '../harness/random.ts';
import { configReading, patternMatching } from './configTargets.ts';
import { deltaReading, signatureReading } from './librsyncTargets.ts';
import { replyDecoding } from './replyTarget.ts';
import type { Target } from './target.ts';
import { commandDecoding, rowDecoding, urlDecoding } from './textTargets.ts';

export const targets: readonly Target[] = [
  configReading,
  patternMatching,
  commandDecoding,
  replyDecoding,
  rowDecoding,
  urlDecoding,
  signatureReading,
  deltaReading,
];

/** Milliseconds that a case may take. */
const limit = 1000;

/** Plays one case, the same one for the same seed. Fails, telling how to play it again, unless it ends as it must and in time. */
export function playCase(target: Target, seed: number): void {
  try {
    for (let attempt = 1; ; attempt++) {
      const rng = random(seed);
      const input = target.input(rng);
      const start = performance.now();
      target.run(input, rng);
      if (performance.now() - start < limit) return;
      // The machine may have had other things to do: a case that is slow is so each time.
      if (attempt === 3) throw new Error(`took longer than ${limit} ms`);
    }
  } catch (error) {
    const input = target.input(random(seed));
    const shown = JSON.stringify(input.toString('latin1', 0, 1000));
    const again = `scripts/fuzz --only ${target.name} --seed ${seed} --cases 1`;
    const text = `${target.name}: ${input.length} bytes: ${shown}\nto play it again: ${again}`;
    throw new Error(text, { cause: error });
  }
}
