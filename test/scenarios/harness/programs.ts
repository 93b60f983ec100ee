import { accessSync, constants, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** `c`: the C program, the reference. `ours`: what `npm run build` makes. */
export type Program = 'c' | 'ours';

/** What the acting host (the first one) runs, and what all other hosts run. */
export interface Pairing {
  readonly acting: Program;
  readonly others: Program;
}

export const paths: Readonly<Record<Program, string>> = {
  c: process.env['CSYNC2_C'] ?? '/usr/sbin/csync2',
  ours: process.env['CSYNC2_OURS'] ?? fileURLToPath(new URL('../../../dist/csync2', import.meta.url)),
};

export function isInstalled(program: Program): boolean {
  try {
    accessSync(paths[program], constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The first one is the reference. */
export const pairings: readonly Pairing[] = [
  { acting: 'c', others: 'c' },
  { acting: 'ours', others: 'c' },
  { acting: 'c', others: 'ours' },
  { acting: 'ours', others: 'ours' },
];

export function pairingName(pairing: Pairing): string {
  return `${pairing.acting}→${pairing.others}`;
}

export function uses(pairing: Pairing, program: Program): boolean {
  return pairing.acting === program || pairing.others === program;
}

/** Why a scenario cannot run here with this pairing; our own program missing is an error, not a reason to skip. */
export function whyNot(pairing: Pairing): string | undefined {
  if (uses(pairing, 'c') && !isInstalled('c')) return 'skipped: csync2 (the C program) is not installed';
  if (uses(pairing, 'ours') && !existsSync(paths.ours)) {
    throw new Error(`${paths.ours} is missing: run 'npm run build' first`);
  }
  return undefined;
}

export const isRoot = process.getuid?.() === 0;
