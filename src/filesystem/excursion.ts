import fs from 'node:fs';
import { O_PATH } from './parent.ts';

const { O_DIRECTORY } = fs.constants;

/**
 * The current directory of this process, moved for a while: what is in it can then be named without a path, which the kernel
 * finds in two thirds of the time. For work in one go only (no `await` before `end`), as everything in the process shares it.
 */
export class Excursion {
  readonly #home: number;

  private constructor(home: number) {
    this.#home = home;
  }

  /** Undefined where there would be no way back. */
  static begin(): Excursion | undefined {
    try {
      return new Excursion(fs.openSync('.', O_PATH | O_DIRECTORY));
    } catch {
      // Gone, or not ours to enter, as after a change of user: whoever asks does without.
      return undefined;
    }
  }

  /** False when the directory may not be entered. */
  moveTo(directory: string): boolean {
    try {
      process.chdir(directory);
      return true;
    } catch {
      // The names in it, asked for one by one, tell why.
      return false;
    }
  }

  end(): void {
    try {
      process.chdir(`/proc/self/fd/${this.#home}`);
    } finally {
      fs.closeSync(this.#home);
    }
  }
}
