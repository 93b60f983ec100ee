/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** 0 ≤ n < limit. */
  below(limit: number): number;
  pick<T>(list: readonly T[]): T;
}

export function random(seed: number): Random {
  let state = (Math.imul(seed, 2_654_435_761) + 12_345) >>> 0 || 1;
  const below = (limit: number): number => {
    // xorshift32
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % limit;
  };
  return { below, pick: (list) => list[below(list.length)] as (typeof list)[number] };
}
