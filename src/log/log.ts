/** Verbosity as counted from `-v`: 0 errors only, 1 progress, 2 decisions, 3 the wire, 4 rows. */
export type Level = 0 | 1 | 2 | 3 | 4;

/**
 * Where messages go. Messages are byte strings (file names in them are raw bytes) without a trailing newline.
 * A caller that would have to build an expensive message asks `wants` first.
 */
export interface Log {
  readonly level: number;
  wants(level: Level): boolean;
  write(level: Level, message: string): void;
  /** Like write(0, …), and counts: `Finished with N errors.` and the exit code depend on it. */
  error(message: string): void;
  readonly errors: number;
}

/** A log from which others can be split off. */
export interface BranchingLog extends Log {
  /**
   * A log to the same place with its own error count, starting at 0; this log's count does not include it.
   * `prefix` stands in front of every line on stderr, instead of this log's own prefix (see `pidPrefix`).
   */
  child(prefix: string): BranchingLog;
}

/** A place for messages: stderr, syslog. What was written reaches it by the end of the process at the latest. */
export interface Sink {
  write(level: Level, prefix: string, message: string): void;
  /** Hands over everything written so far before it returns. */
  flush(): void;
}
