import type { ConflictRule } from '../groups/cluster.ts';
import type { ConflictTest } from '../log/messages.ts';

export interface Outcome {
  readonly outcome: 'won' | 'lost';
  readonly test: ConflictTest;
}

/** What the peer has to be asked before a conflict can be decided. */
export type Question = 'GETTM' | 'GETSZ';

export type Verdict =
  | Outcome
  | { readonly outcome: 'ask'; readonly question: Question }
  /** Figures cannot speak for a file that is to be removed. */
  | { readonly outcome: 'removal' }
  | { readonly outcome: 'unresolved' };

/**
 * Decides a conflict (the peer says that the file is dirty there too) as far as this goes without the peer's time stamp
 * or size. A deletion never wins by figures.
 */
export function judge(rule: ConflictRule, deletion: boolean): Verdict {
  if (rule.peerIsOurSlave) return { outcome: 'won', test: 'master/slave' };
  switch (rule.auto) {
    case 'none':
      return { outcome: 'unresolved' };
    case 'first':
      return { outcome: 'won', test: 'first' };
    case 'left':
    case 'right':
      return { outcome: rule.peerSide === rule.auto ? 'lost' : 'won', test: 'left/right' };
    case 'younger':
    case 'older':
      return deletion ? { outcome: 'removal' } : { outcome: 'ask', question: 'GETTM' };
    case 'bigger':
    case 'smaller':
      return deletion ? { outcome: 'removal' } : { outcome: 'ask', question: 'GETSZ' };
  }
}

/**
 * Decides by figures: whole seconds for `GETTM`, bytes for `GETSZ`; `remote` is -1 when the file is gone there, and then
 * what exists wins. Being strictly greater wins for `younger` and `bigger`; the other two take all the rest.
 */
export function judgeFigures(rule: ConflictRule, question: Question, local: number, remote: number): Outcome {
  const test = question === 'GETTM' ? 'younger/older' : 'bigger/smaller';
  const greaterWins = rule.auto === 'younger' || rule.auto === 'bigger';
  const wins = remote === -1 || local > remote === greaterWins;
  return { outcome: wins ? 'won' : 'lost', test };
}
