import { spawnSync } from 'node:child_process';
import type { Level, Sink } from './log.ts';

const local0 = 16 * 8;
const warning = 4;
const info = 6;
const debug = 7;

const flushAfterMs = 200;
const flushAtBytes = 64 * 1024;
const loggerTimeoutMs = 5_000;
const messageLimitBytes = 8_192;

export interface SyslogOptions {
  /** Takes the messages when syslog does not; without it they are dropped. Never one that writes where the protocol does. */
  readonly fallback?: Sink | undefined;
  /** More arguments for logger(1), such as another socket. */
  readonly loggerArguments?: readonly string[];
}

/**
 * Messages to syslog: facility local0, ident `csync2[PID]`; errors as warnings, progress as info, the rest as debug.
 *
 * Node.js has no datagram sockets of the Unix kind, so logger(1) speaks to syslog. One short-lived logger takes what
 * gathered in a fifth of a second, and the last one runs at exit: nothing is lost, and a restarted syslog is found again.
 */
export function createSyslogSink(options: SyslogOptions = {}): Sink {
  return new SyslogSink(options);
}

interface Message {
  readonly level: Level;
  readonly prefix: string;
  readonly text: string;
}

class SyslogSink implements Sink {
  readonly #fallback: Sink | undefined;
  readonly #arguments: readonly string[];
  #pending: Message[] = [];
  #pendingBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SyslogOptions) {
    this.#fallback = options.fallback;
    this.#arguments = options.loggerArguments ?? [];
    process.on('exit', () => this.flush());
  }

  write(level: Level, prefix: string, text: string): void {
    this.#pending.push({ level, prefix, text });
    this.#pendingBytes += text.length;
    if (this.#pendingBytes > flushAtBytes) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), flushAfterMs).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const messages = this.#pending;
    if (messages.length === 0) return;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (this.#log(messages) || this.#fallback === undefined) return;
    for (const { level, prefix, text } of messages) this.#fallback.write(level, prefix, text);
    this.#fallback.flush();
  }

  /** True when logger took them. */
  #log(messages: readonly Message[]): boolean {
    const lines = messages.map(({ level, text }) => `<${local0 + severity(level)}>${oneLine(text)}\n`).join('');
    const { status } = spawnSync(
      'logger',
      [
        '--tag=csync2',
        `--id=${process.pid}`,
        '--priority=local0.info',
        '--prio-prefix',
        `--size=${messageLimitBytes}`,
        '--socket-errors=on',
        ...this.#arguments,
      ],
      { input: Buffer.from(lines, 'latin1'), stdio: ['pipe', 'ignore', 'ignore'], timeout: loggerTimeoutMs },
    );
    return status === 0;
  }
}

function severity(level: Level): number {
  if (level === 0) return warning;
  return level === 1 ? info : debug;
}

/** A line is a message to logger: a newline in a file name must not begin another one. */
function oneLine(text: string): string {
  return text.replaceAll('\n', '\\n').replaceAll('\0', '\\0').slice(0, messageLimitBytes);
}
