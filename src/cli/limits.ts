import type { Config } from '../config/config.ts';
import { type AdmissionLimits, defaultAdmission } from '../daemon/admission.ts';
import { defaultLimits, type SessionLimits } from '../session/served.ts';

/** What limits the connections of a server, by its own configuration; undefined: it has none that can be read. */
export function admissionLimits(config: Config | undefined): AdmissionLimits {
  const { sessions, sessionsPerAddress } = config?.limits ?? {};
  return {
    sessions: sessions ?? defaultAdmission.sessions,
    sessionsPerAddress: sessionsPerAddress ?? defaultAdmission.sessionsPerAddress,
  };
}

/** The same for each of them. */
export function sessionLimits(config: Config | undefined): SessionLimits {
  const { login, line, path, arguments: count } = config?.limits ?? {};
  return {
    idle: idleTimeoutOf(config),
    login: login ?? defaultLimits.login,
    line: line ?? defaultLimits.line,
    request: {
      path: path ?? defaultLimits.request.path,
      arguments: count ?? defaultLimits.request.arguments,
    },
  };
}

/**
 * Seconds without a byte after which a peer counts as gone, on either side. A C server says nothing while it hashes a large
 * file.
 */
export function idleTimeoutOf(config: Config | undefined): number {
  return config?.limits.idle ?? defaultLimits.idle;
}
