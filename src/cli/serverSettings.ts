import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/configError.ts';
import { parseConfig } from '../config/parse.ts';
import type { AdmissionLimits } from '../daemon/admission.ts';
import type { BranchingLog } from '../log/log.ts';
import type { SessionLimits } from '../session/served.ts';
import type { TlsCredentials } from '../transport/channel.ts';
import { readCredentials, warnIfEnding } from './credentials.ts';
import { admissionLimits, sessionLimits } from './limits.ts';
import { configFile, type Place } from './setup.ts';

/**
 * What a server has to know before a peer names a configuration: limits, certificates. It is taken from the configuration that
 * the server was started with, when it starts and when it is told to; a session keeps what it began with.
 */
export class ServerSettings {
  readonly #place: Place;
  readonly #log: BranchingLog;
  #config: Config | undefined;
  /** The configuration cannot be used, so that nobody knows whom it would trust. */
  #failure: ConfigError | undefined;

  constructor(place: Place, log: BranchingLog) {
    this.#place = place;
    this.#log = log;
    this.#begin();
  }

  get admission(): AdmissionLimits {
    return admissionLimits(this.#config);
  }

  get session(): SessionLimits {
    return sessionLimits(this.#config);
  }

  /** Read anew each time, since certificates are renewed. Fails with SetupError or ConfigError. */
  async credentials(): Promise<TlsCredentials> {
    if (this.#failure !== undefined) throw this.#failure;
    return readCredentials(this.#place, this.#config, this.#log);
  }

  /** A configuration that cannot be read leaves everything as it was. */
  reload(): void {
    try {
      this.#config = this.#read();
      this.#failure = undefined;
      this.#log.write(1, 'Read the configuration again.');
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#log.write(0, `${error.message}\nLimits and certificates stay as they were.`);
    }
  }

  #begin(): void {
    try {
      this.#config = this.#read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // None at all is what a host has that serves named configurations only.
      if (isMissing(error)) return;
      this.#failure = error;
      this.#log.write(0, error.message);
    }
  }

  #read(): Config {
    const config = parseConfig(configFile(this.#place, this.#place.options.configName));
    warnIfEnding(this.#place, config, this.#log);
    return config;
  }
}

function isMissing({ line, cause }: ConfigError): boolean {
  return line === 0 && (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}
