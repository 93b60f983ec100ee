import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Host, program } from './cluster.ts';
import { until } from '../scenarios/harness/process.ts';

/** A run of csync2 on a terminal of its own, played by script(1). */
export class TerminalRun {
  readonly #script: ChildProcess;
  readonly #pidFile: string;
  readonly #ended: Promise<unknown[]>;
  #bytes = '';

  /** `redirections` as a shell takes them. */
  constructor(host: Host, args: readonly string[], columns = 80, redirections = '') {
    this.#pidFile = join(host.etc, 'pid');
    const words = [program, ...host.ownOptions, ...args].join(' ');
    const command = `stty cols ${columns}; echo $$ >${this.#pidFile}; exec ${words} ${redirections}`;
    this.#script = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...host.env, SHELL: '/bin/sh' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#script.stdout?.on('data', (chunk: Buffer) => (this.#bytes += chunk.toString('latin1')));
    this.#ended = once(this.#script, 'close');
  }

  /** All that was written to the terminal so far. */
  get bytes(): string {
    return this.#bytes;
  }

  /** Every line that was drawn to be drawn over again. */
  get drawn(): string[] {
    return [...this.#bytes.matchAll(/\r([^\r\n\x1b]+)\x1b\[K/g)].map(([, line = '']) => line);
  }

  /** What is left to be read on the terminal. */
  get screen(): string[] {
    const lines = this.#bytes.split('\n').map((line) => {
      let shown = '';
      for (const part of line.split('\r')) {
        const [over = '', ...rest] = part.split('\x1b[K');
        shown = rest.length > 0 ? over + rest.join('') : over + shown.slice(over.length);
      }
      return shown;
    });
    return lines.filter((line) => line !== '');
  }

  /** Waits for a drawn line like this. */
  async draws(expected: RegExp): Promise<void> {
    const seen = await until(() => this.drawn.some((line) => expected.test(line)), 30_000);
    if (!seen) throw new Error(`never drawn: ${expected}, but ${JSON.stringify(this.#bytes)}`);
  }

  /** Waits for a message. */
  async says(message: string): Promise<void> {
    const said = await until(() => this.screen.includes(message), 30_000);
    if (!said) throw new Error(`never said: ${message}, but ${JSON.stringify(this.#bytes)}`);
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(Number(readFileSync(this.#pidFile, 'utf8')), signal);
  }

  /** The exit status, as a shell has it. */
  async end(): Promise<number> {
    const [code] = await this.#ended;
    return code as number;
  }
}
