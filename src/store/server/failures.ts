import { StoreError } from '../store.ts';

/** Text for people, with the password cut out should a server or driver ever repeat it. */
export function withoutPassword(message: string, password: string | undefined): string {
  return password === undefined || password === '' ? message : message.replaceAll(password, '***');
}

const network = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_|ENOENT|EACCES)/;

/** The error for a server that could not be reached (CONNECTION) or did not let us in (OPEN). */
export function connectFailure(name: string, error: unknown, password: string | undefined): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  const message = withoutPassword(messageOf(error), password);
  const reached = !network.test(code) && !/timeout|ended|terminated/i.test(message);
  return new StoreError(reached ? 'OPEN' : 'CONNECTION', `Can't open database ${name}: ${message}`);
}

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** A refused connection to a name with several addresses has its reasons inside. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
