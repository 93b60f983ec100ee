/** How many sessions there may be at the same time. */
export interface AdmissionLimits {
  readonly sessions: number;
  /** From one address. */
  readonly sessionsPerAddress: number;
}

export const defaultAdmission: AdmissionLimits = { sessions: 500, sessionsPerAddress: 250 };

/** What is known about a session under way. */
export interface Candidate {
  readonly remoteAddress: string | undefined;
  /** A host that we share something with has proved to be at the other end. */
  readonly isMember: boolean;
}

export interface Admission<Session> {
  readonly admitted: boolean;
  /** Has to go to make room. */
  readonly dropped: Session | undefined;
}

/**
 * May one more connection come in from this address? Where there is no room, the one that has waited longest without
 * being a member has to go: whoever holds many idle connections keeps nobody out. Members are never sent away.
 * `sessions` are those under way, oldest first.
 */
export function admit<Session extends Candidate>(
  sessions: readonly Session[],
  address: string | undefined,
  limits: AdmissionLimits,
): Admission<Session> {
  const neighbours = sessions.filter(({ remoteAddress }) => remoteAddress === address);
  const crowd = neighbours.length >= limits.sessionsPerAddress ? neighbours : sessions;
  const limit = crowd === neighbours ? limits.sessionsPerAddress : limits.sessions;
  if (crowd.length < limit) return { admitted: true, dropped: undefined };
  const dropped = crowd.find(({ isMember }) => !isMember);
  return { admitted: dropped !== undefined, dropped };
}
